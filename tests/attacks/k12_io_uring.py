# id: K-12
# title: io_uring, which does system calls that no filter sees
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"setup": ["EPERM", "ENOSYS"], "enter": ["EPERM", "ENOSYS"],
#   "register": ["EPERM", "ENOSYS"]}
# control: {"setup": ["ok"], "enter": ["EBADF", "ENOTSUP"], "register": ["EBADF", "ENOTSUP"]}

{
    "setup": attempt_fd("io_uring_setup", 1, ctypes.create_string_buffer(120)),
    "enter": attempt("io_uring_enter", 0, 0, 0, 0, None, 0),
    "register": attempt("io_uring_register", 0, 1, None, 0),
}
