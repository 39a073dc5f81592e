# id: F-11
# title: keep a set-user-ID program in the workspace
# attacker: A3
# boundary: B8
# layer: nosuid mounts
# leaf: filesystem.mounts
# expect: {"mounts that honour the bit": ["none"], "capability": ["EPERM", "ENOTSUP", "EOPNOTSUPP"]}
# control: {"mounts that honour the bit": ["/tmp"], "capability": ["ok", "ENOTSUP", "EOPNOTSUPP", "EPERM"]}
# gap: {"capability": "not every tmpfs has file capabilities"}


def honours(folder):
    return not os.statvfs(folder).f_flag & os.ST_NOSUID


def capability(path):
    # VFS_CAP_REVISION_2, effective, CAP_SYS_ADMIN
    value = struct.pack("<IIIII", 0x02000001, 1 << 21, 0, 0, 0)
    return tried(os.setxattr, path, b"security.capability", value)


here = [each for each in ("/workspace", "/tmp", "/dev/shm") if os.path.isdir(each)]
with open("program", "w") as file:
    os.fchmod(file.fileno(), 0o4755)
writable = [each for each in here if os.access(each, os.W_OK) and honours(each)]
{
    "mounts that honour the bit": " ".join(each for each in writable if each != "/dev/shm") or "none",
    "capability": capability("program"),
}
