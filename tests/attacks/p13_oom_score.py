# id: P-13
# title: have the kernel kill somebody else when memory is short
# attacker: A3
# boundary: B6
# layer: Landlock (read-only /proc), capabilities
# leaf: process.oom_score_adj
# expect: {"lowest": ["EACCES", "EPERM", "ENOENT"], "lower than before": ["EACCES", "EPERM",
#   "ENOENT"], "of the zygote": ["EACCES", "EPERM", "ENOENT"], "of pid 1": ["EACCES", "EPERM",
#   "ENOENT"]}
# control: {"lowest": ["ok", "EACCES"], "lower than before": ["ok"], "of the zygote": ["ok"],
#   "of pid 1": ["ok"]}
# gap: {"lowest": "root on this machine may lack CAP_SYS_RESOURCE"}


def write(pid, *values):
    fd = os.open("/proc/%s/oom_score_adj" % pid, os.O_WRONLY)
    for value in values:
        os.write(fd, b"%d" % value)  # a buffered file would swallow the error
    return "ok"


{
    "lowest": in_child(write, "self", -1000),
    "lower than before": in_child(write, "self", 900, 800),
    "of the zygote": opens("/proc/%d/oom_score_adj" % os.getppid(), os.O_WRONLY),
    "of pid 1": opens("/proc/1/oom_score_adj", os.O_WRONLY),
}
