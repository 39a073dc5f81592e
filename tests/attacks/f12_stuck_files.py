# id: F-12
# title: make files that cannot be removed: immutable, append-only, without permissions, very deep
# attacker: A3
# boundary: B10
# layer: seccomp on ioctl, tmpfs
# leaf: syscalls.allow
# expect: {"immutable": ["EPERM", "ENOTTY", "EACCES"], "append only": ["EPERM", "ENOTTY", "EACCES"],
#   "access list": ["EPERM", "EOPNOTSUPP"], "no permissions": ["ok"]}
# control: {"immutable": ["ok"], "append only": ["ok"], "access list": ["ok", "EINVAL", "EOPNOTSUPP"],
#   "no permissions": ["ok"]}
# gap: {"access list": "not every tmpfs has them",
#   "no permissions": "it is no attack by itself: the sandbox must go nevertheless (leaks.py)"}

FS_IOC_SETFLAGS = 0x40086602
APPEND, IMMUTABLE = 0x20, 0x10


def flagged(path, flags):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        answer = attempt("ioctl", fd, FS_IOC_SETFLAGS, struct.pack("<q", flags))
        if answer == "ok":
            call("ioctl", fd, FS_IOC_SETFLAGS, struct.pack("<q", 0))
        return answer
    finally:
        os.close(fd)


def access_list(path):
    # POSIX_ACL_XATTR_VERSION; ACL_USER_OBJ, ACL_USER 12345, ACL_GROUP_OBJ, ACL_MASK, ACL_OTHER
    entries = [(1, 6, 0xFFFFFFFF), (2, 7, 12345), (4, 0, 0xFFFFFFFF), (16, 7, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    return tried(os.setxattr, path, b"system.posix_acl_access", value)


def closed_folders():
    os.makedirs("a/b/c", exist_ok=True)
    for path in ("a/b/c", "a/b", "a"):
        os.chmod(path, 0)
    # The attacks after this one look at the same directories.
    for path in ("a", "a/b", "a/b/c"):
        os.chmod(path, 0o700)
    os.removedirs("a/b/c")
    return "ok"


{
    "immutable": flagged("immutable", IMMUTABLE),
    "append only": flagged("appended", APPEND),
    "access list": access_list("immutable"),
    "no permissions": closed_folders(),
}
