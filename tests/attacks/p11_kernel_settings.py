# id: P-11
# title: open the kernel's settings for writing (nothing is written)
# attacker: A3
# boundary: B8
# layer: read-only mounts, Landlock
# leaf: runtime.landlock
# expect: {"/proc/sys/kernel/core_pattern": ["EROFS", "EACCES", "ENOENT"],
#   "/proc/sys/kernel/modprobe": ["EROFS", "EACCES", "ENOENT"],
#   "/proc/sys/kernel/hostname": ["EROFS", "EACCES", "ENOENT"],
#   "/proc/sys/vm/drop_caches": ["EROFS", "EACCES", "ENOENT"],
#   "/proc/sys/net/ipv4/ip_forward": ["EROFS", "EACCES", "ENOENT"],
#   "/proc/sysrq-trigger": ["EROFS", "EACCES", "ENOENT", "masked"],
#   "/proc/self/uid_map": ["EROFS", "EACCES", "ENOENT"],
#   "/proc/self/attr/current": ["EROFS", "EACCES", "ENOENT"],
#   "/sys/kernel/uevent_helper": ["EROFS", "EACCES", "ENOENT"],
#   "/sys/fs/cgroup/release_agent": ["EROFS", "EACCES", "ENOENT"]}
# control: {"/proc/sys/kernel/core_pattern": ["ok"], "/proc/sys/kernel/modprobe": ["ok", "ENOENT"],
#   "/proc/sys/kernel/hostname": ["ok"], "/proc/sys/vm/drop_caches": ["ok"],
#   "/proc/sys/net/ipv4/ip_forward": ["ok"], "/proc/sysrq-trigger": ["ok", "ENOENT"],
#   "/proc/self/uid_map": ["ok", "EPERM"], "/proc/self/attr/current": ["ok", "ENOENT"],
#   "/sys/kernel/uevent_helper": ["ok", "ENOENT"], "/sys/fs/cgroup/release_agent": ["ok", "ENOENT"]}
# gap: {"/proc/sys/kernel/modprobe": "needs a kernel with modules",
#   "/proc/sysrq-trigger": "not compiled here", "/sys/kernel/uevent_helper": "not compiled here",
#   "/proc/self/attr/current": "needs SELinux or AppArmor",
#   "/sys/fs/cgroup/release_agent": "only in the root of a cgroup hierarchy"}

PATHS = (
    "/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/hostname "
    "/proc/sys/vm/drop_caches /proc/sys/net/ipv4/ip_forward /proc/sysrq-trigger "
    "/proc/self/uid_map /proc/self/attr/current /sys/kernel/uevent_helper "
    "/sys/fs/cgroup/release_agent"
).split()

{path: opens(path, os.O_WRONLY) for path in PATHS}
