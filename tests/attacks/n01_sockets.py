# id: N-01
# title: open sockets of the internet families
# attacker: A3
# boundary: B4
# layer: seccomp, no network device
# leaf: network.mode
# expect: {"tcp": ["EPERM"], "udp": ["EPERM"], "tcp6": ["EPERM"], "raw": ["EPERM"],
#   "packet": ["EPERM"]}
# expect if network.mode=loopback: {"tcp": ["ok"], "udp": ["ok"], "tcp6": ["ok"]}
# control: {"tcp": ["ok"], "udp": ["ok"], "tcp6": ["ok"], "raw": ["ok"], "packet": ["ok"]}
# explained: ["socket"]


def makes(family, kind, protocol=0):
    return attempt_fd("socket", int(family), int(kind), protocol)


{
    "tcp": makes(socket.AF_INET, socket.SOCK_STREAM),
    "udp": makes(socket.AF_INET, socket.SOCK_DGRAM),
    "tcp6": makes(socket.AF_INET6, socket.SOCK_STREAM),
    "raw": makes(socket.AF_INET, socket.SOCK_RAW, 1),
    "packet": makes(socket.AF_PACKET, socket.SOCK_RAW),
}
