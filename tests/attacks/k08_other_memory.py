# id: K-08
# title: read and write the memory of another process by system call
# attacker: A3
# boundary: B7
# layer: seccomp
# leaf: syscalls.allow
# expect: {"process_vm_readv": ["EPERM"], "process_vm_writev": ["EPERM"], "parent": ["intact"],
#   "kcmp": ["EPERM"], "process_madvise": ["EPERM"]}
# control: {"process_vm_readv": ["ok"], "process_vm_writev": ["ok"], "parent": ["changed"],
#   "kcmp": ["ok"], "process_madvise": ["ok", "EINVAL"]}
# explained: ["kcmp", "process_madvise", "process_vm_readv", "process_vm_writev"]

state = ctypes.create_string_buffer(b"committed")


class Span(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def touch(name):
    mine = ctypes.create_string_buffer(b"tampered!")
    local = Span(ctypes.addressof(mine), 9)
    remote = Span(ctypes.addressof(state), 9)
    return attempt(name, os.getppid(), ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)


def advise():
    fd, number = call("pidfd_open", os.getppid(), 0)
    span = Span(ctypes.addressof(state) & ~4095, 4096)
    return attempt("process_madvise", fd, ctypes.byref(span), 1, 20, 0)


{
    "process_vm_readv": in_child(touch, "process_vm_readv"),
    "process_vm_writev": in_child(touch, "process_vm_writev"),
    "parent": "intact" if state.value == b"committed" else "changed",
    "kcmp": in_child(lambda: attempt("kcmp", os.getpid(), os.getppid(), 2, 0, 0)),
    "process_madvise": in_child(advise),
}
