# id: R-14
# title: lock memory, so that it cannot be taken away
# attacker: A1
# boundary: B10
# layer: RLIMIT_MEMLOCK, no capability
# leaf: resources.rlimits.memlock
# expect: {"mlock": ["ENOMEM", "EPERM", "EAGAIN"], "mlockall": ["ENOMEM", "EPERM"],
#   "map": ["EAGAIN", "EPERM"]}
# control: {"mlock": ["ok"], "mlockall": ["ok"], "map": ["ok"]}


SIZE = 32 << 20
MAP_PRIVATE, MAP_ANONYMOUS, MAP_LOCKED = 2, 0x20, 0x2000


def lock():
    memory = mmap.mmap(-1, SIZE)
    return attempt("mlock", ctypes.addressof(ctypes.c_char.from_buffer(memory)), SIZE)


{
    "mlock": lock(),
    "mlockall": in_child(lambda: attempt("mlockall", 3)),
    "map": attempt("mmap", None, SIZE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
}
