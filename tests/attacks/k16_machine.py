# id: K-16
# title: modules, kexec, reboot, swap, accounting, quotas (with arguments that can't succeed)
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"init_module": ["EPERM"], "finit_module": ["EPERM"], "delete_module": ["EPERM"],
#   "kexec_load": ["EPERM"], "kexec_file_load": ["EPERM"], "reboot": ["EPERM"],
#   "swapon": ["EPERM"], "swapoff": ["EPERM"], "acct": ["EPERM"], "quotactl": ["EPERM"],
#   "quotactl_fd": ["EPERM"]}
# control: {"init_module": ["ENOSYS", "ENOEXEC"], "finit_module": ["ENOSYS", "EBADF"],
#   "delete_module": ["ENOSYS", "ENOENT"], "kexec_load": ["ENOSYS", "EINVAL"],
#   "kexec_file_load": ["ENOSYS", "EINVAL", "EBADF"], "reboot": ["EINVAL"],
#   "swapon": ["EINVAL"], "swapoff": ["ENOENT"], "acct": ["ENOENT"],
#   "quotactl": ["ENOENT", "ENOSYS", "EINVAL"], "quotactl_fd": ["EBADF", "ENOSYS", "EINVAL"]}
# explained: ["acct", "delete_module", "finit_module", "init_module", "kexec_file_load",
#   "kexec_load", "quotactl", "quotactl_fd", "reboot", "swapoff", "swapon"]

NOWHERE = b"/caisson-attack/nowhere"

{
    "init_module": attempt("init_module", b"", 0, b""),
    "finit_module": attempt("finit_module", -1, b"", 0),
    "delete_module": attempt("delete_module", b"caisson_attack_no_such_module", 0o4000),
    "kexec_load": attempt("kexec_load", 0, 1 << 20, None, 0x7FFF0000),
    "kexec_file_load": attempt("kexec_file_load", -1, -1, 0, None, 0x7FFF0000),
    "reboot": attempt("reboot", 0, 0, 0, None),
    "swapon": attempt("swapon", NOWHERE, 0x7FF00000),
    "swapoff": attempt("swapoff", NOWHERE),
    "acct": attempt("acct", NOWHERE),
    "quotactl": attempt("quotactl", 0x800004 << 8, NOWHERE, 0, bytes(64)),
    "quotactl_fd": attempt("quotactl_fd", -1, 0x800004 << 8, 0, bytes(64)),
}
