# id: C-01
# title: rewrite the memory of a checkpoint
# attacker: A3
# boundary: B7
# layer: Landlock, seccomp, not dumpable
# leaf: session.checkpoints
# needs: checkpoints
# expect: {"found": ["2 or more"], "proc mem": ["EACCES"], "process_vm_writev": ["EPERM"],
#   "ptrace attach": ["EPERM"], "ptrace seize": ["EPERM"], "maps": ["EACCES"], "syscall": ["EACCES"],
#   "clear_refs": ["EACCES"], "process_madvise": ["EPERM"]}
# control: {"found": ["2 or more"], "proc mem": ["ok"], "process_vm_writev": ["ok"],
#   "ptrace attach": ["ok"], "ptrace seize": ["ok"], "maps": ["ok"], "syscall": ["ok"],
#   "clear_refs": ["ok"], "process_madvise": ["ok", "EINVAL"]}
# gap: {"found": "that there is something to attack"}
# explained: ["process_vm_writev", "ptrace"]
# dies: yes

mine = ctypes.create_string_buffer(b"committed")  # at the same address in a fork
targets = strangers()


class Span(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def write_vm(pid):
    text = ctypes.create_string_buffer(b"tampered!")
    here, there = Span(ctypes.addressof(text), 9), Span(id(None) & ~4095, 0)
    return attempt("process_vm_writev", pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)


def trace(pid, how):
    done = attempt("ptrace", how, pid, None, None)
    if done == "ok":
        call("kill", pid, 19)
        os.waitpid(pid, 0x40000000)
        call("ptrace", 17, pid, None, None)
    return done


def advise(pid):
    fd, _ = call("pidfd_open", pid, 0)
    span = Span(ctypes.addressof(mine) & ~4095, 4096)
    return attempt("process_madvise", fd, ctypes.byref(span), 1, 20, 0)


def file(name, flags):
    return worst(opens("/proc/%d/%s" % (pid, name), flags) for pid in targets)


{
    "found": "2 or more" if len(targets) >= 2 else "%d" % len(targets),
    "proc mem": file("mem", os.O_RDWR),
    "process_vm_writev": worst(map(write_vm, targets)),
    "ptrace attach": worst(in_child(trace, pid, 16) for pid in targets),
    "ptrace seize": worst(in_child(trace, pid, 0x4206) for pid in targets),
    "maps": file("maps", os.O_RDONLY),
    "syscall": file("syscall", os.O_RDONLY),
    "clear_refs": file("clear_refs", os.O_WRONLY),
    "process_madvise": worst(map(advise, targets)),
}
