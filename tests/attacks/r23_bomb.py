# id: R-23
# title: unpack 1.5 GB from two megabytes
# attacker: A1
# boundary: B10
# layer: memory limit of the process
# leaf: resources.memory.max
# expect: {"bytes": ["<=resources.memory.max"], "end": ["MemoryError"]}
# control: {"bytes": [">1400000000"], "end": ["none"]}


zlib = _frozen_importlib._gcd_import("zlib")
PIECE = 32 << 20


def unpack():
    packed = zlib.compress(bytes(PIECE), 1)
    pieces = []
    try:
        while len(pieces) * PIECE < 1500 << 20:
            pieces.append(zlib.decompress(packed))
        end = "none"
    except MemoryError:
        end = "MemoryError"
    return len(pieces) * PIECE, end


size, end = unpack()
{"bytes": size, "end": end}
