# id: K-22
# title: sockets of families with a long record of holes (AF_ALG is Copy Fail, CVE-2026-31431)
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: network.mode
# expect: {"ALG": ["EPERM"], "VSOCK": ["EPERM"], "XDP": ["EPERM"], "PACKET": ["EPERM"],
#   "KEY": ["EPERM"], "TIPC": ["EPERM"], "RDS": ["EPERM"], "BLUETOOTH": ["EPERM"],
#   "CAN": ["EPERM"], "INET": ["EPERM"], "INET6": ["EPERM"], "pair of TIPC": ["EPERM"]}
# control: {"ALG": ["EINVAL"], "VSOCK": ["EINVAL"], "XDP": ["EINVAL"], "PACKET": ["EINVAL"],
#   "KEY": ["EINVAL"], "TIPC": ["EINVAL"], "RDS": ["EINVAL"], "BLUETOOTH": ["EINVAL"],
#   "CAN": ["EINVAL"], "INET": ["ok"], "INET6": ["ok", "EAFNOSUPPORT"], "pair of TIPC": ["EINVAL"]}
# explained: ["socket", "socketpair"]

FAMILIES = {
    "ALG": 38, "VSOCK": 40, "XDP": 44, "PACKET": 17, "KEY": 15, "TIPC": 30, "RDS": 21,
    "BLUETOOTH": 31, "CAN": 29,
}  # fmt: skip
NO_SUCH_TYPE = 11


def family(number):
    # An open door would make the kernel load a module for the family. A type that does not exist
    # is refused just before that, with another errno than a filter's.
    first = attempt_fd("socket", number, NO_SUCH_TYPE, 0)
    if first != "EPERM":
        return first
    kinds = {attempt_fd("socket", number, kind, 0) for kind in (1, 2, 3, 5)}
    return kinds.pop() if len(kinds) == 1 else "mixed: " + " ".join(sorted(kinds))


result = {name: family(number) for name, number in FAMILIES.items()}
result["INET"] = attempt_fd("socket", 2, 1, 0)
result["INET6"] = attempt_fd("socket", 10, 1, 0)
result["pair of TIPC"] = attempt("socketpair", 30, NO_SUCH_TYPE, 0, bytes(8))
result
