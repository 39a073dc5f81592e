# id: K-06
# title: enter a namespace by a file descriptor
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"setns": ["EPERM"], "setns of pid 1": ["EPERM"]}
# control: {"setns": ["ok"], "setns of pid 1": ["ok"]}
# explained: ["setns"]


def enter(path):
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        fd = 0  # the filter has to refuse it whatever the descriptor is
    return attempt("setns", fd, 0)


{
    "setns": in_child(enter, "/proc/self/ns/uts"),
    "setns of pid 1": in_child(enter, "/proc/1/ns/net"),
}
