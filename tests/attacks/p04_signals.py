# id: P-04
# title: stop, kill or limit init and the zygote
# attacker: A3
# boundary: B6
# layer: inner filter with init's answer, Landlock scope
# leaf: runtime.notify
# expect: {"kill 1": ["EPERM"], "kill zygote 0": ["EPERM"], "tkill 1": ["EPERM"],
#   "tgkill zygote": ["EPERM"], "sigqueue zygote": ["EPERM"], "pidfd zygote": ["EPERM"],
#   "kill group of zygote": ["EPERM", "ESRCH"], "sigio to zygote": ["alive"],
#   "limits of zygote": ["EPERM"], "limits of 1": ["EPERM"], "stop zygote": ["EPERM"],
#   "kill zygote": ["EPERM"], "kill everybody": ["EPERM"], "own child": ["signal 9"]}
# control: {"kill 1": ["ok"], "kill zygote 0": ["ok"], "tkill 1": ["ok"],
#   "tgkill zygote": ["ok"], "sigqueue zygote": ["ok"], "pidfd zygote": ["ok"],
#   "kill group of zygote": ["ok"], "sigio to zygote": ["dead"],
#   "limits of zygote": ["ok"], "limits of 1": ["ok"], "stop zygote": ["ok", "ESRCH"],
#   "kill zygote": ["ok", "ESRCH"], "kill everybody": ["ok", "ESRCH"], "own child": ["signal 9"]}
# gap: {"own child": "must work everywhere"}
# explained: ["fcntl", "kill", "pidfd_send_signal", "prlimit64", "rt_sigqueueinfo", "tgkill",
#   "tkill"]
# last: where it works, the sandbox is gone

ZYGOTE = os.getppid()
SIGURG = int(signal.SIGURG)  # ignored by who does not wait for it


def queue(pid):
    info = struct.pack("<iii", SIGURG, 0, -1).ljust(128, b"\0")  # SI_QUEUE
    return attempt("rt_sigqueueinfo", pid, SIGURG, info)


def by_descriptor(pid):
    fd, _ = call("pidfd_open", pid, 0)
    return attempt("pidfd_send_signal", fd, SIGURG, None, 0)


def limit(pid):
    # No better priority: what it has anyway. The answer says whether one could set what one likes.
    return attempt("prlimit64", pid, 13, ctypes.create_string_buffer(16), None)


def by_sigio(pid):
    """The kernel sends the signal itself, when a pipe can be read."""
    reading, writing = os.pipe()
    for command, value in ((8, pid), (10, 9), (4, os.O_ASYNC)):  # F_SETOWN, F_SETSIG, F_SETFL
        try:
            fcntl.fcntl(reading, command, value)
        except OSError:
            pass
    os.write(writing, b"x")
    call("sched_yield")
    for _ in range(1000):
        if os.getppid() != pid:
            return "dead"
        call("nanosleep", struct.pack("<qq", 0, 100000), None)
    return "alive"


def own_child():
    return in_child(lambda: os.kill(os.getpid(), 9))


result = {
    "own child": own_child(),
    "kill 1": attempt("kill", 1, SIGURG),
    "kill zygote 0": attempt("kill", ZYGOTE, 0),
    "tkill 1": attempt("tkill", 1, SIGURG),
    "tgkill zygote": attempt("tgkill", ZYGOTE, ZYGOTE, SIGURG),
    "sigqueue zygote": queue(ZYGOTE),
    "pidfd zygote": by_descriptor(ZYGOTE),
    "kill group of zygote": attempt("kill", -call("getpgid", ZYGOTE)[0], SIGURG),
    "limits of zygote": limit(ZYGOTE),
    "limits of 1": limit(1),
    "sigio to zygote": by_sigio(ZYGOTE),
    "stop zygote": attempt("kill", ZYGOTE, 19),
    "kill zygote": attempt("kill", ZYGOTE, 9),
    "kill everybody": attempt("kill", -1, 9),
}
result
