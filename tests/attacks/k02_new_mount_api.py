# id: K-02
# title: build a mount with the file-descriptor calls
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"fsopen": ["EPERM"], "fsconfig": ["EPERM"], "fsmount": ["EPERM"], "fspick": ["EPERM"],
#   "open_tree": ["EPERM"], "move_mount": ["EPERM"], "mount_setattr": ["EPERM"]}
# control: {"fsopen": ["ok"], "fsconfig": ["EBADF", "EINVAL"], "fsmount": ["EBADF", "EINVAL"],
#   "fspick": ["ok"], "open_tree": ["ok"], "move_mount": ["EBADF", "EINVAL", "ENOENT"],
#   "mount_setattr": ["ok"]}
# explained: ["fsconfig", "fsmount", "fsopen", "fspick", "mount_setattr", "move_mount",
#   "open_tree"]

{
    "fsopen": attempt_fd("fsopen", b"tmpfs", 0),
    "fsconfig": attempt("fsconfig", -1, 6, None, None, 0),
    "fsmount": attempt("fsmount", -1, 0, 0),
    "fspick": attempt_fd("fspick", AT_FDCWD, b"/tmp", 0),
    "open_tree": attempt_fd("open_tree", AT_FDCWD, b"/tmp", 1),
    "move_mount": attempt("move_mount", -1, b"", -1, b"", 0),
    "mount_setattr": attempt("mount_setattr", AT_FDCWD, b"/tmp", 0, bytes(32), 32),
}
