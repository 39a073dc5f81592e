# id: P-20
# title: tell this machine from others
# attacker: A3
# boundary: B8
# layer: uts namespace; the rest is told, not promised
# leaf: process.hostname
# expect: {"hostname": ["sandbox"], "machine id": ["hidden"], "boot id": ["*"], "uptime": ["*"],
#   "processor": ["*"], "kernel": ["visible"]}
# control: {"hostname": ["control"], "machine id": ["*"], "boot id": ["visible"],
#   "uptime": ["visible"], "processor": ["visible"], "kernel": ["visible"]}
# gap: {"machine id": "the image has none", "boot id": "only told", "uptime": "only told",
#   "processor": "only told", "kernel": "uname and cpuid can't be taken away"}


def visible(path):
    try:
        with open(path) as file:
            return "visible" if file.read(4096).strip() else "hidden"
    except OSError:
        return "hidden"


{
    "hostname": os.uname().nodename,
    "machine id": visible("/etc/machine-id"),
    "boot id": visible("/proc/sys/kernel/random/boot_id"),
    "uptime": visible("/proc/uptime"),
    "processor": visible("/proc/cpuinfo"),
    "kernel": "visible" if os.uname().release else "hidden",
}
