# id: K-01
# title: mount a file system over /tmp, take /proc away
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"mount": ["EPERM"], "umount2": ["EPERM"]}
# control: {"mount": ["ok"], "umount2": ["ok"]}
# explained: ["mount", "umount2", "unshare"]


def over_tmp():
    call("unshare", 0x20000)  # where it works, the rest happens in a mount namespace of its own
    return attempt("mount", b"none", b"/tmp", b"tmpfs", 0, None)


def off_proc():
    call("unshare", 0x20000)
    return attempt("umount2", b"/proc", 2)


{"mount": in_child(over_tmp), "umount2": in_child(off_proc)}
