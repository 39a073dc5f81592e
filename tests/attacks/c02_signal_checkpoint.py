# id: C-02
# title: kill, stop, wake or limit a checkpoint
# attacker: A3
# boundary: B7
# layer: inner filter with init's answer
# leaf: session.checkpoints
# needs: checkpoints
# expect: {"kill": ["EPERM"], "tkill": ["EPERM"], "tgkill": ["EPERM"], "sigqueue": ["EPERM"],
#   "pidfd": ["EPERM"], "group": ["EPERM"], "continue": ["EPERM"], "everybody": ["EPERM"],
#   "limits": ["EPERM"], "priority": ["EPERM", "EACCES"], "sigio": ["EPERM"]}
# control: {"kill": ["ok"], "tkill": ["ok"], "tgkill": ["ok"], "sigqueue": ["ok"], "pidfd": ["ok"],
#   "group": ["ok"], "continue": ["ok"], "everybody": ["ok"], "limits": ["ok"], "priority": ["ok"],
#   "sigio": ["ok"]}
# explained: ["fcntl", "kill", "pidfd_send_signal", "prlimit64", "rt_sigqueueinfo", "tgkill",
#   "tkill"]
# dies: yes

URGENT = int(signal.SIGURG)  # ignored by who does not wait for it
targets = strangers()


def each(function):
    return worst(map(function, targets))


def queue(pid):
    return attempt("rt_sigqueueinfo", pid, URGENT, struct.pack("<iii", URGENT, 0, -1).ljust(128, b"\0"))


def by_descriptor(pid):
    fd, _ = call("pidfd_open", pid, 0)
    return attempt("pidfd_send_signal", fd, URGENT, None, 0)


def by_sigio(pid):
    reading, _ = os.pipe()
    return attempt("fcntl", reading, 8, pid)  # F_SETOWN


{
    "kill": each(lambda pid: attempt("kill", pid, URGENT)),
    "tkill": each(lambda pid: attempt("tkill", pid, URGENT)),
    "tgkill": each(lambda pid: attempt("tgkill", pid, pid, URGENT)),
    "sigqueue": each(queue),
    "pidfd": each(by_descriptor),
    "group": each(lambda pid: attempt("kill", -pid, URGENT)),
    "continue": each(lambda pid: attempt("kill", pid, 18)),
    "everybody": attempt("kill", -1, URGENT),
    "limits": each(lambda pid: attempt("prlimit64", pid, 4, bytes(16), None)),
    "priority": each(lambda pid: attempt("setpriority", 0, pid, 19)),
    "sigio": each(by_sigio),
}
