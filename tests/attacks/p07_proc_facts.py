# id: P-07
# title: read the kernel's and the host's facts in /proc
# attacker: A3
# boundary: B8
# layer: Landlock, masked paths
# leaf: runtime.landlock
# expect: {"kcore": ["EACCES", "ENOENT", "masked"], "keys": ["EACCES", "ENOENT", "masked"],
#   "kallsyms": ["EACCES", "ENOENT", "masked"], "timer_list": ["EACCES", "ENOENT", "masked"],
#   "sched_debug": ["EACCES", "ENOENT", "masked"], "interrupts": ["EACCES", "ENOENT", "masked"],
#   "slabinfo": ["EACCES", "ENOENT", "masked"], "vmallocinfo": ["EACCES", "ENOENT", "masked"],
#   "config.gz": ["EACCES", "ENOENT", "masked"], "cmdline": ["EACCES", "ENOENT", "masked"],
#   "key-users": ["EACCES", "ENOENT", "masked"], "buddyinfo": ["EACCES", "ENOENT", "masked"],
#   "pagetypeinfo": ["EACCES", "ENOENT", "masked"], "modules": ["EACCES", "ENOENT", "masked"],
#   "iomem": ["EACCES", "ENOENT", "masked"], "partitions": ["EACCES", "ENOENT", "masked"],
#   "sys/kernel/random/boot_id": ["EACCES", "ENOENT", "masked"]}
# control: {"kcore": ["ok", "EPERM", "ENOENT"], "keys": ["ok"], "kallsyms": ["ok", "ENOENT"],
#   "timer_list": ["ok"], "sched_debug": ["ok", "ENOENT"], "interrupts": ["ok"],
#   "slabinfo": ["ok"], "vmallocinfo": ["ok"], "config.gz": ["ok", "ENOENT"], "cmdline": ["ok"],
#   "key-users": ["ok"], "buddyinfo": ["ok"], "pagetypeinfo": ["ok"], "modules": ["ok", "ENOENT"],
#   "iomem": ["ok"], "partitions": ["ok"], "sys/kernel/random/boot_id": ["ok"]}
# gap: {"kcore": "needs a capability that the control lacks, or is not compiled here",
#   "sched_debug": "lies in debugfs since Linux 5.13", "modules": "not compiled here",
#   "kallsyms": "not compiled here", "config.gz": "not compiled here"}

NAMES = (
    "kcore keys kallsyms timer_list sched_debug interrupts slabinfo vmallocinfo config.gz cmdline "
    "key-users buddyinfo pagetypeinfo modules iomem partitions sys/kernel/random/boot_id"
).split()

{name: opens("/proc/" + name) for name in NAMES}
