# id: R-04
# title: make files until there are no more of them
# attacker: A1
# boundary: B10
# layer: inodes of the tmpfs
# leaf: filesystem.mounts./workspace.inodes
# expect: {"files": ["<=filesystem.mounts./workspace.inodes"], "end": ["ENOSPC"]}
# control: {"files": [">69999"], "end": ["none"]}


def make(most):
    folder = os.path.join(os.getcwd(), "many")
    os.mkdir(folder)
    made, end = 0, "none"
    try:
        while made < most:
            os.close(os.open("%s/%d" % (folder, made), os.O_CREAT | os.O_WRONLY, 0o600))
            made += 1
    except OSError as error:
        end = word(error.errno)
    for number in range(made):
        os.unlink("%s/%d" % (folder, number))
    os.rmdir(folder)
    return made, end


files, end = make(70000)
{"files": files, "end": end}
