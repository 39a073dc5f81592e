# id: P-18
# title: use a descriptor that somebody forgot to close
# attacker: A3
# boundary: B5
# layer: init closes them; the head keeps its pair with init and copies of 0, 1 and 2
# leaf: runtime.notify
# expect: {"0": ["null"], "1": ["pipe"], "2": ["pipe"], "others": ["none", "null null
#   null null pair pipe pipe"]}
# control: {"0": ["null"], "1": ["*"], "2": ["*"], "others": ["foreign pipe foreign pipe null"]}
# gap: {"0": "/dev/null in both", "1": "only told", "2": "only told"}


def kind(fd):
    try:
        status = os.fstat(fd)
    except OSError:
        return "closed"
    mode = status.st_mode
    if stat.S_ISCHR(mode):
        return "null" if status.st_rdev == os.makedev(1, 3) else "device %#x" % status.st_rdev
    if stat.S_ISFIFO(mode):
        own = [os.fstat(standard).st_ino for standard in (1, 2)]
        return "pipe" if status.st_ino in own else "foreign pipe"
    if stat.S_ISSOCK(mode):
        with socket.socket(fileno=os.dup(fd)) as one:
            unix = one.family == socket.AF_UNIX and one.type == socket.SOCK_SEQPACKET
            return "pair" if unix and not one.getsockname() else "socket %s" % one.family.name
    return "directory" if stat.S_ISDIR(mode) else "file"


others = sorted(found for found in map(kind, range(3, 1024)) if found != "closed")
{"0": kind(0), "1": kind(1), "2": kind(2), "others": " ".join(others) or "none"}
