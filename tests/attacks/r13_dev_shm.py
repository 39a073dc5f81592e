# id: R-13
# title: fill /dev/shm
# attacker: A1
# boundary: B10
# layer: not mounted, or its size
# leaf: filesystem.mounts
# expect: {"bytes": [0], "end": ["ENOENT", "EACCES", "EROFS"]}
# expect if filesystem.mounts./dev/shm.type=tmpfs: {"bytes": ["<=filesystem.mounts./dev/shm.size"],
#   "end": ["ENOSPC"]}
# control: {"bytes": [">200000000"], "end": ["none"]}


PIECE = bytes(1 << 20)


def fill(folder, most):
    """How many bytes fit, in files of 16 MiB, and what ends it."""
    names, written, end = [], 0, "none"
    try:
        while written < most:
            names.append(os.path.join(folder, "fill-%d" % len(names)))
            with open(names[-1], "wb", buffering=0) as file:
                for _ in range(16):
                    written += file.write(PIECE)
    except OSError as error:
        end = word(error.errno)
    for name in names:
        if os.path.exists(name):
            os.unlink(name)
    return written, end


size, end = fill("/dev/shm", 208 << 20)
{"bytes": size, "end": end}
