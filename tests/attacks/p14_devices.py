# id: P-14
# title: open the host's devices, or nodes made for them (nothing is read)
# attacker: A3
# boundary: B8
# layer: device list, nodev, seccomp
# leaf: syscalls.allow
# expect: {"kmsg": ["EPERM", "EACCES", "ENOENT"], "mem": ["EPERM", "EACCES", "ENOENT"],
#   "kvm": ["EPERM", "EACCES", "ENOENT"], "fuse": ["EPERM", "EACCES", "ENOENT"],
#   "net/tun": ["EPERM", "EACCES", "ENOENT"], "vda": ["EPERM", "EACCES", "ENOENT"],
#   "own kmsg": ["EPERM", "EACCES"], "own fuse": ["EPERM", "EACCES"],
#   "unexpected in /dev": ["none"]}
# control: {"kmsg": ["ok"], "mem": ["ENOENT", "EPERM"], "kvm": ["ENOENT", "EPERM"], "fuse": ["ok"],
#   "net/tun": ["ENOENT"], "vda": ["ENOENT"], "own kmsg": ["ok"], "own fuse": ["ok"],
#   "unexpected in /dev": ["some"]}
# gap: {"mem": "the control must not open it", "kvm": "the control must not open it",
#   "net/tun": "the control must not open it", "vda": "the control must not open it"}
# explained: ["mknodat"]

USUAL = set(
    "null zero full random urandom tty console ptmx pts shm mqueue "
    "fd stdin stdout stderr core".split()
)


def own(name, major, minor):
    path = "/tmp/attack-p14-" + name
    made = tried(os.mknod, path, stat.S_IFCHR | 0o600, os.makedev(major, minor))
    if made != "ok":
        return made
    try:
        return opens(path)
    finally:
        os.unlink(path)


def listed():
    try:
        return set(os.listdir("/dev")) - USUAL
    except OSError:
        return set()


result = {name: opens("/dev/" + name) for name in ("kmsg", "mem", "kvm", "fuse", "net/tun", "vda")}
result["own kmsg"] = own("kmsg", 1, 11)
result["own fuse"] = own("fuse", 10, 229)
result["unexpected in /dev"] = "some" if listed() else "none"
result
