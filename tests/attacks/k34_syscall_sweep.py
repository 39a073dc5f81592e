# id: K-34
# title: every system call with empty arguments: which ones reach the kernel
# attacker: A3
# boundary: B8
# layer: the whole filter
# expect: {"beyond the list": ["none"], "listed but refused": ["none"]}
# control: {"beyond the list": ["some"], "listed but refused": ["none", "some"]}
# gap: {"listed but refused": "other kernels may lack what is listed"}

# What `strict` lets through to the kernel, as people have reviewed it: a change here is a change
# of the wall. A call that is allowed for some arguments only is listed, and tried with those.
LISTED = """
PLACEHOLDER
""".split()

# These end, fork, block or confuse the process that makes them.
SKIPPED = set(
    "rt_sigreturn select pause clone fork vfork exit exit_group pselect6 ppoll ptrace "
    "restart_syscall uretprobe uprobe vhangup".split()
)

# Where zeros would change something, hide a filter's verdict, or miss what is allowed.
ARGUMENTS = {
    "ioctl": (0, 0x5401, ctypes.create_string_buffer(64)),
    "socket": (1, 1, 0),
    "mknod": (b"", stat.S_IFIFO, 0),
    "mknodat": (AT_FDCWD, b"", stat.S_IFIFO, 0),
    "kill": (os.getpid(), 0),
    "seccomp": (99, 0, 0),
    "prctl": (3, 0, 0, 0, 0),
    "personality": (0xFFFFFFFF,),
    "kexec_load": (0, 1 << 20, 0, 0x7FFF0000),
    "reboot": (1, 1, 1, 0),
    "settimeofday": (struct.pack("<qq", 0, 1 << 40), None),
    "sethostname": (None, -1),
    "setdomainname": (None, -1),
    "acct": (b"/caisson-attack/nowhere",),
    "setpgid": (-1, -1),
    "prlimit64": (0, 999, 0, 0),
}

REPORT = 200  # the descriptor that the sweep reports on


def sweep(first, report):
    os.dup2(report, REPORT)
    call("setresuid", 10001, 10001, 10001)  # as root, some would do harm: compare like with like
    for name, number in sorted(NUMBERS.items(), key=lambda item: item[1]):
        if number < first or name in SKIPPED:
            continue
        os.write(REPORT, struct.pack("<ii", number, -1))
        _, error = call(number, *ARGUMENTS.get(name, (0, 0, 0, 0, 0, 0)))
        os.write(REPORT, struct.pack("<ii", number, error))


def swept():
    """number -> errno; -1 for those that killed the process."""
    seen = {}
    while True:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                sweep(max(seen, default=-1) + 1, writing)
            finally:
                os._exit(0)
        os.close(writing)
        before = len(seen)
        with os.fdopen(reading, "rb") as report:
            while record := report.read(8):
                number, error = struct.unpack("<ii", record)
                seen[number] = error
        os.waitpid(pid, 0)
        if len(seen) == before:
            return seen


reached = {number for number, error in swept().items() if error not in (errno.EPERM, errno.ENOSYS)}
names = {number: name for name, number in NUMBERS.items()}
beyond = sorted(names[number] for number in reached if names[number] not in LISTED)
shut = sorted(set(LISTED) - SKIPPED - {names[number] for number in reached})
for title, found in (("beyond the list", beyond), ("listed but refused", shut)):
    if found:
        os.write(1, ("%s: %s\n" % (title, " ".join(found))).encode())

{
    "beyond the list": "some" if beyond else "none",
    "listed but refused": "some" if shut else "none",
}
