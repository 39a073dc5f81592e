# id: K-31
# title: type into a terminal
# attacker: A3
# boundary: B11
# layer: seccomp
# leaf: syscalls.allow
# expect: {"standard input": ["EPERM"], "own terminal": ["EPERM", "EACCES", "ENOENT"]}
# control: {"standard input": ["ENOTTY"], "own terminal": ["ok", "EIO"]}
# explained: ["ioctl"]

TIOCSCTTY, TIOCSTI = 0x540E, 0x5412


def type_into_own():
    os.setsid()
    controller, terminal = os.openpty()
    call("ioctl", terminal, TIOCSCTTY, 0)
    return attempt("ioctl", terminal, TIOCSTI, b"x")


{
    "standard input": attempt("ioctl", 0, TIOCSTI, b"x"),
    "own terminal": in_child(type_into_own),
}
