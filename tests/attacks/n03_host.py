# id: N-03
# title: reach the host: its loopback, the bridge, an engine's port
# attacker: A3
# boundary: B4
# layer: seccomp, network namespace
# leaf: network.mode
# expect: {"loopback": ["EPERM"], "bridge": ["EPERM"], "engine": ["EPERM"]}
# expect if network.mode=loopback: {"loopback": ["ECONNREFUSED"], "bridge": ["ENETUNREACH",
#   "EACCES"], "engine": ["ENETUNREACH", "EACCES"]}
# control: {"loopback": ["ok"], "bridge": ["ok"], "engine": ["ok"]}

def reaches(address, port):
    """What connecting to it gives."""
    return tried(connect, address, port)


def connect(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.settimeout(1)
        one.connect((address, port))


# In the control these addresses are on its own loopback, and somebody listens.
{
    "loopback": reaches("127.0.0.1", 8080),
    "bridge": reaches("172.17.0.1", 8080),
    "engine": reaches("192.168.65.7", 2375),
}
