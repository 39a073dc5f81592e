# id: K-14
# title: hold the kernel at a page fault
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"userfaultfd": ["EPERM", "ENOSYS"]}
# control: {"userfaultfd": ["ok"]}
# explained: ["userfaultfd"]

{"userfaultfd": attempt_fd("userfaultfd", 0)}
