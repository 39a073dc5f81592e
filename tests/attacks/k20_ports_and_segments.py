# id: K-20
# title: port I/O and segment descriptors
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"iopl": ["EPERM"], "ioperm": ["EPERM"], "modify_ldt": ["EPERM", "ENOSYS"]}
# control: {"iopl": ["EINVAL", "ENOSYS"], "ioperm": ["EINVAL", "ENOSYS"], "modify_ldt": ["ok"]}
# explained: ["ioperm", "iopl", "modify_ldt"]

{
    "iopl": attempt("iopl", 4),
    "ioperm": attempt("ioperm", 1 << 20, 1, 1),
    "modify_ldt": attempt("modify_ldt", 0, ctypes.create_string_buffer(16), 16),
}
