# id: P-15
# title: find a socket of the container engine, or any that answers
# attacker: A3
# boundary: B3
# layer: mounts, Landlock
# leaf: filesystem.mounts
# expect: {"engine": ["none"], "any that answers": ["none"]}
# control: {"engine": ["answers"], "any that answers": ["answers"]}

ENGINE = (
    "/var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock "
    "/run/crio/crio.sock /run/runc.sock /var/run/cri-dockerd.sock"
).split()


def answers(path):
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(1)
        try:
            asking.connect(path)
            asking.sendall(b"GET /info HTTP/1.0\r\n\r\n")
            return bool(asking.recv(1))
        except OSError:
            return False


def sockets():
    yield "/run/caisson/channel.sock"  # init's own, where it has one: it turns us away
    for folder in folders():
        try:
            paths = [os.path.join(folder, name) for name in os.listdir(folder)]
            yield from (path for path in paths if stat.S_ISSOCK(os.lstat(path).st_mode))
        except OSError:
            pass


{
    "engine": "answers" if any(map(answers, ENGINE)) else "none",
    "any that answers": "answers" if any(map(answers, sockets())) else "none",
}
