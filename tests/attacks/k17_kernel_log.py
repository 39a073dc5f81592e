# id: K-17
# title: read the kernel's log
# attacker: A3
# boundary: B8
# layer: seccomp, masked paths
# leaf: syscalls.allow
# expect: {"syslog": ["EPERM"], "/dev/kmsg": ["EPERM", "EACCES", "ENOENT"],
#   "/proc/kmsg": ["EPERM", "EACCES", "ENOENT", "masked"]}
# control: {"syslog": ["ok"], "/dev/kmsg": ["ok"], "/proc/kmsg": ["ok"]}
# explained: ["syslog"]

{
    "syslog": attempt("syslog", 3, ctypes.create_string_buffer(4096), 4096),
    "/dev/kmsg": opens("/dev/kmsg"),
    "/proc/kmsg": opens("/proc/kmsg"),
}
