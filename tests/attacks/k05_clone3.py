# id: K-05
# title: clone3, whose flags lie in memory where no filter sees them
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"clone3 user": ["ENOSYS"], "clone3 null": ["ENOSYS"], "thread": ["ran"]}
# control: {"clone3 user": ["ok"], "clone3 null": ["EINVAL", "EFAULT"], "thread": ["ran"]}
# gap: {"thread": "must work everywhere: libraries fall back to clone"}

threading = _frozen_importlib._gcd_import("threading")


def clone3(flags):
    pid, number = call("clone3", struct.pack("<8Q", flags, 0, 0, 0, SIGCHLD, 0, 0, 0), 64)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return word(number)


ran = []
thread = threading.Thread(target=ran.append, args=("ran",))
thread.start()
thread.join()

{
    "clone3 user": clone3(0x10000000),
    "clone3 null": attempt("clone3", None, 0),
    "thread": ran[0],
}
