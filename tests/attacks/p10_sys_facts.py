# id: P-10
# title: read the machine's facts in /sys
# attacker: A3
# boundary: B8
# layer: no sysfs, or Landlock and masked paths
# leaf: runtime.landlock
# expect: {"kernel/btf/vmlinux": ["EACCES", "ENOENT"], "kernel/vmcoreinfo": ["EACCES", "ENOENT"],
#   "kernel/debug": ["EACCES", "ENOENT", "masked"], "firmware": ["EACCES", "ENOENT", "masked"],
#   "devices/virtual/powercap": ["EACCES", "ENOENT", "masked"],
#   "class/dmi/id": ["EACCES", "ENOENT"], "class/net": ["EACCES", "ENOENT"],
#   "block": ["EACCES", "ENOENT"]}
# control: {"kernel/btf/vmlinux": ["ok", "ENOENT"], "kernel/vmcoreinfo": ["ok", "ENOENT"],
#   "kernel/debug": ["ok", "masked", "ENOENT"], "firmware": ["ok"],
#   "devices/virtual/powercap": ["ok", "ENOENT"], "class/dmi/id": ["ok", "ENOENT"],
#   "class/net": ["ok"], "block": ["ok"]}
# gap: {"kernel/btf/vmlinux": "needs BTF", "kernel/vmcoreinfo": "needs kexec",
#   "kernel/debug": "an empty mount point in the control", "class/dmi/id": "needs DMI",
#   "devices/virtual/powercap": "needs a machine with RAPL"}

NAMES = (
    "kernel/btf/vmlinux kernel/vmcoreinfo kernel/debug firmware devices/virtual/powercap "
    "class/dmi/id class/net block"
).split()

{name: opens("/sys/" + name) for name in NAMES}
