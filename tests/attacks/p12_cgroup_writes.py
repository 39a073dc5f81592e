# id: P-12
# title: raise one's own limits in the cgroup
# attacker: A3
# boundary: B8
# layer: read-only mounts, Landlock, seccomp
# leaf: runtime.landlock
# expect: {"limits": ["none"], "mount v1": ["EPERM"], "mount v2": ["EPERM"]}
# control: {"limits": ["some"], "mount v1": ["EINVAL", "ENODEV", "ENOENT"], "mount v2": ["EINVAL",
#   "ENODEV"]}
# explained: ["mount"]

FILES = {"cgroup.procs", "memory.limit_in_bytes", "pids.max", "memory.max", "cpu.cfs_quota_us"}


def writable():
    for folder, _, names in os.walk("/sys/fs/cgroup"):
        for name in FILES.intersection(names):
            if opens(os.path.join(folder, name), os.O_WRONLY) == "ok":
                yield os.path.join(folder, name)


def mount(kind):
    # An option that no hierarchy has, so that it can't succeed.
    return attempt("mount", b"cgroup", b"/tmp", kind, 0, b"caisson_attack")


{
    "limits": "some" if list(writable()) else "none",
    "mount v1": mount(b"cgroup"),
    "mount v2": mount(b"cgroup2"),
}
