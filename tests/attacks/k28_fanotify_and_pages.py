# id: K-28
# title: watch file systems, move pages between memory nodes
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"fanotify_init": ["EPERM"], "fanotify_mark": ["EPERM"],
#   "lookup_dcookie": ["EPERM", "ENOSYS"], "migrate_pages": ["EPERM"], "move_pages": ["EPERM"],
#   "mbind": ["EPERM"]}
# control: {"fanotify_init": ["ok"], "fanotify_mark": ["EBADF", "EINVAL"],
#   "lookup_dcookie": ["EPERM", "EINVAL", "ENOSYS"], "migrate_pages": ["ok", "ENOSYS", "EINVAL"],
#   "move_pages": ["ok", "ENOSYS"], "mbind": ["ok", "ENOSYS"]}
# gap: {"lookup_dcookie": "Linux 6.7 took it out"}
# explained: ["fanotify_init", "fanotify_mark", "lookup_dcookie"]

{
    "fanotify_init": attempt_fd("fanotify_init", 0, 0),
    "fanotify_mark": attempt("fanotify_mark", -1, 1, 1, AT_FDCWD, b"/tmp"),
    "lookup_dcookie": attempt("lookup_dcookie", 0, None, 0),
    "migrate_pages": attempt("migrate_pages", 0, 0, None, None),
    "move_pages": attempt("move_pages", 0, 0, None, None, None, 0),
    "mbind": attempt("mbind", 0, 0, 0, None, 0, 0),
}
