# id: P-03
# title: rewrite the memory of init, of the zygote and of a parent through /proc
# attacker: A3
# boundary: B7
# layer: Landlock, not dumpable
# leaf: runtime.landlock
# expect: {"pid 1": ["EACCES", "EPERM", "ENOENT"], "zygote": ["EACCES", "EPERM", "ENOENT"],
#   "parent": ["EACCES", "EPERM", "ENOENT"], "parent's state": ["intact"]}
# control: {"pid 1": ["ok"], "zygote": ["ok"], "parent": ["ok"], "parent's state": ["changed"]}

state = ctypes.create_string_buffer(b"committed")


def tamper():
    fd = os.open("/proc/%d/mem" % os.getppid(), os.O_RDWR)
    os.pwrite(fd, b"tampered!", ctypes.addressof(state))
    return "ok"


{
    "pid 1": opens("/proc/1/mem", os.O_RDWR),
    "zygote": opens("/proc/%d/mem" % os.getppid(), os.O_RDWR),
    "parent": in_child(tamper),
    "parent's state": "intact" if state.value == b"committed" else "changed",
}
