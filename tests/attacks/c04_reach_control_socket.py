# id: C-04
# title: reach the control socket of a checkpoint
# attacker: A3
# boundary: B5
# layer: Landlock, seccomp, descriptors that init gives one by one
# leaf: session.checkpoints
# expect: {"pidfd_getfd": ["EPERM"], "fd list": ["EACCES"], "fd links": ["EACCES"],
#   "cwd": ["EACCES"], "environ": ["EACCES"]}
# control: {"pidfd_getfd": ["ok"], "fd list": ["ok"], "fd links": ["ok"], "cwd": ["ok"],
#   "environ": ["ok"]}
# explained: ["pidfd_getfd"]
# dies: yes

targets = strangers()


def take(pid):
    fd, _ = call("pidfd_open", pid, 0)
    return worst(attempt_fd("pidfd_getfd", fd, number, 0) for number in range(256))


{
    "pidfd_getfd": worst(one.replace(" EBADF", "").replace("EBADF ", "") for one in map(take, targets)),
    "fd list": worst(tried(os.listdir, "/proc/%d/fd" % pid) for pid in targets),
    "fd links": worst(tried(os.readlink, "/proc/%d/fd/0" % pid) for pid in targets),
    "cwd": worst(tried(os.readlink, "/proc/%d/cwd" % pid) for pid in targets),
    "environ": worst(opens("/proc/%d/environ" % pid) for pid in targets),
}
