# id: N-12
# title: a shell that calls home, or waits for a call
# attacker: A3
# boundary: B4
# layer: seccomp, no network device
# leaf: network.mode
# expect: {"calls": ["EPERM"], "waits": ["EPERM"]}
# expect if network.mode=loopback: {"calls": ["ECONNREFUSED"], "waits": ["ok"]}
# control: {"calls": ["ok"], "waits": ["ok"]}


def call_home():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.settimeout(1)
        one.connect(("127.0.0.1", 8080))
        for fd in range(3):
            os.dup2(one.fileno(), fd)


def wait():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.bind(("0.0.0.0", 4444))
        one.listen(1)


{"calls": in_child(lambda: tried(call_home)), "waits": tried(wait)}
