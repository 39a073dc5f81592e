# id: K-23
# title: talk to the kernel's network and audit code by netlink
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: network.mode
# expect: {"ROUTE": ["EPERM"], "SOCK_DIAG": ["EPERM"], "AUDIT": ["EPERM"], "GENERIC": ["EPERM"],
#   "KOBJECT_UEVENT": ["EPERM"]}
# control: {"ROUTE": ["ok"], "SOCK_DIAG": ["ok", "EPROTONOSUPPORT"],
#   "AUDIT": ["ok", "EPROTONOSUPPORT"], "GENERIC": ["ok"], "KOBJECT_UEVENT": ["ok"]}
# explained: ["socket"]

PROTOCOLS = {"ROUTE": 0, "SOCK_DIAG": 4, "AUDIT": 9, "GENERIC": 16, "KOBJECT_UEVENT": 15}

{name: attempt_fd("socket", 16, 3, number) for name, number in PROTOCOLS.items()}
