# id: R-01
# title: allocate more than the policy grants
# attacker: A1
# boundary: B10
# layer: memory limit of the process
# leaf: resources.memory.max
# expect: {"bytes": ["<=resources.memory.max"], "end": ["MemoryError"]}
# control: {"bytes": [">1400000000"], "end": ["none"]}


PIECE = 16 << 20


def allocate():
    """How much of 1.5 GB one gets, touched, and what ends it."""
    pieces = []
    try:
        while len(pieces) * PIECE < 1500 << 20:
            pieces.append(bytearray(b"x" * PIECE))
        end = "none"
    except MemoryError:
        end = "MemoryError"
    return len(pieces) * PIECE, end


size, end = allocate()
{"bytes": size, "end": end}
