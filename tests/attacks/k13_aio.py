# id: K-13
# title: asynchronous I/O in the kernel
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"io_setup": ["EPERM", "ENOSYS"], "io_submit": ["EPERM", "ENOSYS"]}
# control: {"io_setup": ["ok"], "io_submit": ["EINVAL"]}
# explained: ["io_setup", "io_submit"]

{
    "io_setup": in_child(attempt, "io_setup", 1, ctypes.byref(ctypes.c_ulong(0))),
    "io_submit": attempt("io_submit", 0, 0, None),
}
