# id: R-06
# title: folders in folders, with long names, until there are no more
# attacker: A1
# boundary: B10
# layer: inodes of the tmpfs, limits of init's walk
# leaf: filesystem.mounts./workspace.inodes
# expect: {"deep": ["<=filesystem.mounts./workspace.inodes"]}
# expect if filesystem.mounts./workspace.inodes>3000: {"deep": [3000]}
# control: {"deep": [">2999"]}


NAME = "d" * 200


def descend(most):
    """Makes them, and goes up again removing all but the first 200: the walk after the block must
    get through what is left."""
    home = os.open(".", os.O_RDONLY)
    depth = 0
    try:
        while depth < most:
            os.mkdir(NAME)
            os.chdir(NAME)
            depth += 1
    except OSError:
        pass
    for _ in range(depth - 200):
        os.chdir("..")
        os.rmdir(NAME)
    os.fchdir(home)
    os.close(home)
    open("n" * 255, "w").close()
    return depth


{"deep": descend(3000)}
