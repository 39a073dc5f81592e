# id: P-02
# title: become root
# attacker: A3
# boundary: B8
# layer: seccomp, no_new_privs
# leaf: syscalls.allow
# expect: {"setuid": ["EPERM"], "setresuid": ["EPERM"], "setgid": ["EPERM"],
#   "setgroups": ["EPERM"], "capset": ["EPERM"], "set-user-id file": ["none", "EPERM", "EACCES"]}
# control: {"setuid": ["ok"], "setresuid": ["ok"], "setgid": ["ok"], "setgroups": ["ok"],
#   "capset": ["ok"], "set-user-id file": ["none", "executed"]}
# gap: {"set-user-id file": "our image has none; other images do"}
# explained: ["capset", "setgid", "setgroups", "setresuid", "setuid"]

NEXT = struct.pack("<II", 0x20080522, 0)


def more_capabilities():
    sets = ctypes.create_string_buffer(24)
    call("capget", NEXT, sets)
    effective, permitted, inheritable = struct.unpack("<3I", sets.raw[:12])
    if permitted:
        return attempt("capset", NEXT, sets)  # the control has them already
    return attempt("capset", NEXT, struct.pack("<6I", 1 << 21, 1 << 21, 0, 0, 0, 0))


def set_user_id_files():
    for root in ("/bin", "/sbin", "/usr", "/opt"):
        for folder, _, files in os.walk(root):
            for name in files:
                path = os.path.join(folder, name)
                try:
                    mode = os.lstat(path).st_mode
                except OSError:
                    continue
                if stat.S_ISREG(mode) and mode & 0o6000:
                    yield path


def execute(path):
    for fd in (0, 1, 2):
        os.dup2(os.open("/dev/null", os.O_RDWR), fd)
    signal.alarm(1)
    nothing = (ctypes.c_char_p * 1)(None)
    return attempt("execve", path.encode(), ctypes.byref(nothing), ctypes.byref(nothing))


first = next(set_user_id_files(), None)
found = in_child(execute, first) if first else "none"

{
    "setuid": in_child(attempt, "setuid", 0),
    "setresuid": in_child(attempt, "setresuid", 0, 0, 0),
    "setgid": in_child(attempt, "setgid", 0),
    "setgroups": in_child(attempt, "setgroups", 1, struct.pack("<I", 0)),
    "capset": in_child(more_capabilities),
    "set-user-id file": "executed" if found.startswith(("exit", "signal")) else found,
}
