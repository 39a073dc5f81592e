# id: K-29
# title: install a filter of one's own over ours
# attacker: A3
# boundary: B8
# layer: inner filter
# leaf: syscalls.allow
# expect: {"seccomp filter": ["EPERM"], "seccomp strict": ["EPERM"], "prctl filter": ["EPERM"],
#   "prctl strict": ["EPERM"]}
# control: {"seccomp filter": ["ok"], "seccomp strict": ["ok"], "prctl filter": ["ok"],
#   "prctl strict": ["ok"]}
# explained: ["prctl", "seccomp"]

allow_all = ctypes.create_string_buffer(struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000))


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


program = ctypes.byref(Program(1, ctypes.addressof(allow_all)))

{
    "seccomp filter": in_child(attempt, "seccomp", 1, 0, program),
    "seccomp strict": in_child(attempt, "seccomp", 0, 0, None),
    "prctl filter": in_child(attempt, "prctl", 22, 2, program),
    "prctl strict": in_child(attempt, "prctl", 22, 1, 0),
}
