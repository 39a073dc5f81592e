# id: P-16
# title: find every directory that can be written
# attacker: A3
# boundary: B8
# layer: read-only root, Landlock
# leaf: filesystem.write
# expect: {"writable": ["/tmp /workspace"]}
# control: {"writable": ["/dev /dev/mqueue /dev/shm /tmp",
#   "/dev /dev/mqueue /dev/shm /tmp /workspace"]}


def may_write(folder):
    # A file that appears in no directory; not every file system has them.
    path = os.path.join(folder, ".attack-p16")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        return False
    os.unlink(path)
    return True


{"writable": " ".join(sorted(filter(may_write, folders())))}
