# id: K-21
# title: switch address randomisation off for what is executed next
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"no randomize": ["EPERM"], "read implies exec": ["EPERM"], "32 bits": ["EPERM"]}
# control: {"no randomize": ["ok"], "read implies exec": ["ok"], "32 bits": ["ok"]}
# explained: ["personality"]

{
    "no randomize": in_child(attempt, "personality", 0x0040000),
    "read implies exec": in_child(attempt, "personality", 0x0400000),
    "32 bits": in_child(attempt, "personality", 0x0008),
}
