# id: N-02
# title: ask the metadata service of a cloud
# attacker: A3
# boundary: B4
# layer: seccomp, no network device
# leaf: network.mode
# expect: {"link-local": ["EPERM"], "other cloud": ["EPERM"]}
# expect if network.mode=loopback: {"link-local": ["ENETUNREACH", "EACCES"],
#   "other cloud": ["ENETUNREACH", "EACCES"]}
# control: {"link-local": ["ok"], "other cloud": ["ok"]}

def reaches(address, port):
    """What connecting to it gives."""
    return tried(connect, address, port)


def connect(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.settimeout(1)
        one.connect((address, port))


# In the control these addresses are on its own loopback, and somebody listens.
{"link-local": reaches("169.254.169.254", 8080), "other cloud": reaches("100.100.100.200", 8080)}
