# id: P-06
# title: reach init's channel through the descriptors of other processes
# attacker: A3
# boundary: B5
# layer: Landlock, not dumpable
# leaf: runtime.landlock
# expect: {"list of pid 1": ["EACCES", "EPERM", "ENOENT"], "list of zygote": ["EACCES", "EPERM",
#   "ENOENT"], "links of pid 1": ["none"], "links of zygote": ["none"], "root of pid 1": ["EACCES",
#   "EPERM", "ENOENT"]}
# control: {"list of pid 1": ["ok"], "list of zygote": ["ok"], "links of pid 1": ["some"],
#   "links of zygote": ["some"], "root of pid 1": ["ok"]}


def links(pid):
    seen = [n for n in range(64) if tried(os.readlink, "/proc/%d/fd/%d" % (pid, n)) == "ok"]
    return "some" if seen else "none"


zygote = os.getppid()
{
    "list of pid 1": tried(os.listdir, "/proc/1/fd"),
    "list of zygote": tried(os.listdir, "/proc/%d/fd" % zygote),
    "links of pid 1": links(1),
    "links of zygote": links(zygote),
    "root of pid 1": tried(os.listdir, "/proc/1/root/tmp"),
}
