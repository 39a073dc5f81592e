# id: K-26
# title: system calls of the x32 ABI, which filters by number alone miss
# attacker: A3
# boundary: B8
# layer: seccomp architecture
# leaf: syscalls.allow
# expect: {"getpid": ["signal 31"], "mount": ["signal 31"]}
# control: {"getpid": ["ok", "ENOSYS"], "mount": ["EFAULT", "ENOSYS"]}

X32 = 0x40000000

{
    "getpid": in_child(attempt, X32 | NUMBERS["getpid"]),
    "mount": in_child(attempt, X32 | NUMBERS["mount"], None, None, None, 0, None),
}
