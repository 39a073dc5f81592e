# id: P-01
# title: who am I, and what may I
# attacker: A3
# boundary: B8
# layer: container
# leaf: process.user
# expect: {"uid": ["not root"], "gid": ["not root"], "groups": ["none"], "inheritable": ["none"],
#   "permitted": ["none"], "effective": ["none"], "bounding": ["none"], "ambient": ["none"],
#   "no_new_privs": ["1"], "seccomp": ["2"]}
# control: {"uid": ["root"], "gid": ["root"], "groups": ["none", "root"], "inheritable": ["*"],
#   "permitted": ["some"], "effective": ["some"], "bounding": ["some"], "ambient": ["*"],
#   "no_new_privs": ["0"], "seccomp": ["0"]}
# gap: {"groups": "the control has no groups to show", "inheritable": "empty for everybody",
#   "ambient": "empty for everybody"}

header = struct.pack("<II", 0x20080522, 0)
sets = ctypes.create_string_buffer(24)
seen = attempt("capget", header, sets)
low = struct.unpack("<6I", sets.raw)
effective, permitted, inheritable = (low[at] | low[at + 3] for at in range(3))


def any_of(option, first):
    return any(call("prctl", option, *first, number, 0, 0)[0] == 1 for number in range(41))


def some(value):
    return "some" if value else "none"


{
    "uid": "root" if 0 in os.getresuid() else "not root",
    "gid": "root" if 0 in os.getresgid() else "not root",
    "groups": " ".join("root" if g == 0 else str(g) for g in os.getgroups() if g != os.getgid())
    or "none",
    "inheritable": some(inheritable) if seen == "ok" else seen,
    "permitted": some(permitted) if seen == "ok" else seen,
    "effective": some(effective) if seen == "ok" else seen,
    "bounding": some(any_of(23, ())),
    "ambient": some(any_of(47, (1,))),
    "no_new_privs": str(call("prctl", 39, 0, 0, 0, 0)[0]),
    "seccomp": str(call("prctl", 21, 0, 0, 0, 0)[0]),
}
