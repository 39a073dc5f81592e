# id: K-07
# title: trace another process
# attacker: A3
# boundary: B6
# layer: seccomp
# leaf: syscalls.allow
# expect: {"traceme": ["EPERM"], "seize parent": ["EPERM"], "seize pid 1": ["EPERM"]}
# control: {"traceme": ["ok"], "seize parent": ["ok"], "seize pid 1": ["ok"]}
# explained: ["ptrace"]

SEIZE = 0x4206


def seize_parent():
    return attempt("ptrace", SEIZE, os.getppid(), 0, 0)


{
    "traceme": in_child(attempt, "ptrace", 0, 0, 0, 0),
    "seize parent": in_child(seize_parent),
    "seize pid 1": in_child(attempt, "ptrace", SEIZE, 1, 0, 0),
}
