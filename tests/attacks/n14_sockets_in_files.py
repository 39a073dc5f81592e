# id: N-14
# title: find sockets among the files and connect to them
# attacker: A3
# boundary: B9
# layer: mounts, Landlock
# leaf: filesystem.mounts
# expect: {"found": ["none"]}
# control: {"found": ["ok"]}


def connect(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)


def found():
    for folder in folders():
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            path = os.path.join(folder, name)
            try:
                if stat.S_ISSOCK(os.lstat(path).st_mode):
                    yield tried(connect, path)
            except OSError:
                pass


{"found": worst(found())}
