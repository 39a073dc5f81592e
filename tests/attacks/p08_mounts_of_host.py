# id: P-08
# title: learn the host's paths from the list of mounts
# attacker: A2
# boundary: B8
# layer: Landlock
# leaf: runtime.landlock
# expect: {"/proc/self/mountinfo": ["hidden", "no host path"], "/proc/mounts": ["hidden",
#   "no host path"], "statmount": ["EPERM", "ENOSYS"], "listmount": ["EPERM", "ENOSYS"]}
# control: {"/proc/self/mountinfo": ["host path"], "/proc/mounts": ["no host path", "host path"],
#   "statmount": ["EINVAL", "EFAULT", "ENOSYS"], "listmount": ["EINVAL", "EFAULT", "ENOSYS"]}
# gap: {"/proc/mounts": "names only what was mounted, and the control mounts no host file system",
#   "statmount": "newer than the kernel", "listmount": "newer than the kernel"}


def look(path):
    try:
        with open(path) as file:
            lines = file.read().splitlines()
    except OSError:
        return "hidden"
    for line in lines:
        fields = line.split()
        kind = fields[fields.index("-") + 1] if "-" in fields else fields[2]
        root = fields[3] if "-" in fields else "/"
        if "lowerdir=" in line or (kind in ("ext4", "xfs", "btrfs", "overlay") and root != "/"):
            return "host path"
    return "no host path"


{
    "/proc/self/mountinfo": look("/proc/self/mountinfo"),
    "/proc/mounts": look("/proc/mounts"),
    "statmount": attempt("statmount", None, None, 0, 0),
    "listmount": attempt("listmount", None, None, 0, 0),
}
