# id: N-04
# title: connect to an abstract socket of another container or the host
# attacker: A3
# boundary: B4
# layer: network namespace, Landlock scope
# leaf: network.mode
# expect: {"abstract": ["ECONNREFUSED", "EPERM"]}
# control: {"abstract": ["ok"]}


def connect():
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("\0caisson-attack-canary")


# The harness listens there, on the host and in the control.
{"abstract": tried(connect)}
