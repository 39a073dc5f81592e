# id: P-05
# title: read the environment of other processes
# attacker: A3
# boundary: B6
# layer: Landlock, not dumpable
# leaf: runtime.landlock
# expect: {"pid 1": ["EACCES", "EPERM", "ENOENT"], "zygote": ["EACCES", "EPERM", "ENOENT"],
#   "any other": ["none"]}
# control: {"pid 1": ["ok"], "zygote": ["ok"], "any other": ["some"]}


def readable():
    for pid in range(1, 300):
        if pid != os.getpid() and opens("/proc/%d/environ" % pid) == "ok":
            yield pid


{
    "pid 1": opens("/proc/1/environ"),
    "zygote": opens("/proc/%d/environ" % os.getppid()),
    "any other": "some" if list(readable()) else "none",
}
