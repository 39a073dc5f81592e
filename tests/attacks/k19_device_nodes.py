# id: K-19
# title: make a device node of the host's disk or of memory
# attacker: A3
# boundary: B8
# layer: seccomp, capabilities
# leaf: syscalls.allow
# expect: {"block": ["EPERM"], "character": ["EPERM"], "mknodat": ["EPERM"], "fifo": ["ok"]}
# control: {"block": ["ok"], "character": ["ok"], "mknodat": ["ok"], "fifo": ["ok"]}
# gap: {"fifo": "must work everywhere: it is no device"}
# explained: ["mknod", "mknodat"]

where = b"/tmp/attack-k19-%d-" % os.getpid()
result = {
    "block": attempt("mknod", where + b"block", stat.S_IFBLK | 0o600, os.makedev(254, 0)),
    "character": attempt("mknod", where + b"character", stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    "mknodat": attempt(
        "mknodat", AT_FDCWD, where + b"at", stat.S_IFCHR | 0o600, os.makedev(1, 1)
    ),
    "fifo": attempt("mknodat", AT_FDCWD, where + b"fifo", stat.S_IFIFO | 0o600, 0),
}
for kind in (b"block", b"character", b"at", b"fifo"):
    tried(os.unlink, where + kind)
result
