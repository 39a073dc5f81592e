# id: K-09
# title: take a file descriptor out of another process
# attacker: A3
# boundary: B5
# layer: seccomp
# leaf: syscalls.allow
# expect: {"pidfd_getfd of pid 1": ["EPERM"], "pidfd_getfd of parent": ["EPERM"]}
# control: {"pidfd_getfd of pid 1": ["ok"], "pidfd_getfd of parent": ["ok"]}
# explained: ["pidfd_getfd"]


def take(pid):
    fd, _ = call("pidfd_open", pid, 0)
    return attempt_fd("pidfd_getfd", fd, 0, 0)


{"pidfd_getfd of pid 1": take(1), "pidfd_getfd of parent": take(os.getppid())}
