# id: K-15
# title: the kernel's keyrings, which namespaces do not separate
# attacker: A3
# boundary: B12
# layer: seccomp
# leaf: syscalls.allow
# expect: {"keyctl": ["EPERM", "ENOSYS"], "add_key": ["EPERM", "ENOSYS"],
#   "request_key": ["EPERM", "ENOSYS"]}
# control: {"keyctl": ["ok"], "add_key": ["ok"], "request_key": ["ENOKEY"]}
# explained: ["add_key", "keyctl", "request_key"]

PROCESS_KEYRING = -2  # goes away with the process

{
    "keyctl": in_child(attempt, "keyctl", 0, PROCESS_KEYRING, 1),
    "add_key": in_child(attempt, "add_key", b"user", b"caisson-attack", b"x", 1, PROCESS_KEYRING),
    "request_key": attempt("request_key", b"user", b"caisson-attack-none", None, 0),
}
