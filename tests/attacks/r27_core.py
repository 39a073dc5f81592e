# id: R-27
# title: leave a core file
# attacker: A1
# boundary: B9
# layer: hard limit of core files
# leaf: resources.rlimits.core
# expect: {"raise": ["EPERM"], "dumped": ["no"]}
# control: {"raise": ["ok"], "dumped": ["yes"]}


CORE = 4


def crash():
    """Whether the kernel wrote a core file of a child that died."""
    pid = os.fork()
    if pid == 0:
        call("prctl", 4, 1, 0, 0, 0)  # PR_SET_DUMPABLE
        os.abort()
    _, status = os.waitpid(pid, 0)
    return "yes" if os.WCOREDUMP(status) else "no"


{
    "raise": attempt("prlimit64", 0, CORE, struct.pack("<QQ", 1 << 30, 1 << 30), None),
    "dumped": crash(),
}
