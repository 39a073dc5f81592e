# id: K-04
# title: make namespaces, where an unprivileged user becomes root
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"unshare user": ["EPERM"], "unshare mount": ["EPERM"], "unshare pid": ["EPERM"],
#   "unshare net": ["EPERM"], "unshare ipc": ["EPERM"], "unshare uts": ["EPERM"],
#   "unshare cgroup": ["EPERM"], "unshare time": ["EPERM"], "clone user": ["EPERM"],
#   "clone user and net": ["EPERM"]}
# control: {"unshare user": ["ok"], "unshare mount": ["ok"], "unshare pid": ["ok"],
#   "unshare net": ["ok"], "unshare ipc": ["ok"], "unshare uts": ["ok"],
#   "unshare cgroup": ["ok"], "unshare time": ["ok"], "clone user": ["ok"],
#   "clone user and net": ["ok"]}
# explained: ["clone", "unshare"]

NAMESPACES = {
    "user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000,
    "ipc": 0x8000000, "uts": 0x4000000, "cgroup": 0x2000000, "time": 0x80,
}  # fmt: skip


def clone(flags):
    pid, number = call("clone", flags | SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return word(number)


result = {}
for name, flag in NAMESPACES.items():
    result["unshare " + name] = in_child(attempt, "unshare", flag)
result["clone user"] = clone(NAMESPACES["user"])
result["clone user and net"] = clone(NAMESPACES["user"] | NAMESPACES["net"])
result
