"""What every attack may use: the harness puts this text in front of each file.

Results are words: "ok" when a call worked, the errno's name when it did not. Nothing here is part
of the boundary; it runs where the attack runs.
"""

import ast
import errno
import os
import signal
import stat
import struct
import sys

import _frozen_importlib

# An import statement would ask the worker's guard first. The guard is guidance, and this is how
# code walks round it: the attacks must fail with it out of the way.
ctypes = _frozen_importlib._gcd_import("ctypes")
mmap = _frozen_importlib._gcd_import("mmap")
socket = _frozen_importlib._gcd_import("socket")
fcntl = _frozen_importlib._gcd_import("fcntl")

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

# System calls of x86-64 by number: 0 to 334, 335 and 336, 424 to 469.
_FIRST = """
read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction
rt_sigprocmask rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select sched_yield
mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep getitimer alarm
setitimer getpid sendfile socket connect accept sendto recvfrom sendmsg recvmsg shutdown bind
listen getsockname getpeername socketpair setsockopt getsockopt clone fork vfork execve exit
wait4 kill uname semget semop semctl shmdt msgget msgsnd msgrcv msgctl fcntl flock fsync
fdatasync truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink
symlink readlink chmod fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo
times ptrace getuid syslog getgid setuid setgid geteuid getegid setpgid getppid getpgrp setsid
setreuid setregid getgroups setgroups setresuid getresuid setresgid getresgid getpgid setfsuid
setfsgid getsid capget capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend
sigaltstack utime mknod uselib personality ustat statfs fstatfs sysfs getpriority setpriority
sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max
sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall vhangup
modify_ldt pivot_root _sysctl prctl arch_prctl adjtimex setrlimit chroot sync acct settimeofday
mount umount2 swapon swapoff reboot sethostname setdomainname iopl ioperm create_module
init_module delete_module get_kernel_syms query_module quotactl nfsservctl getpmsg putpmsg
afs_syscall tuxcall security gettid readahead setxattr lsetxattr fsetxattr getxattr lgetxattr
fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr tkill time futex
sched_setaffinity sched_getaffinity set_thread_area io_setup io_destroy io_getevents io_submit
io_cancel get_thread_area lookup_dcookie epoll_create epoll_ctl_old epoll_wait_old
remap_file_pages getdents64 set_tid_address restart_syscall semtimedop fadvise64 timer_create
timer_settime timer_gettime timer_getoverrun timer_delete clock_settime clock_gettime
clock_getres clock_nanosleep exit_group epoll_wait epoll_ctl tgkill utimes vserver mbind
set_mempolicy get_mempolicy mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify
mq_getsetattr kexec_load waitid add_key request_key keyctl ioprio_set ioprio_get inotify_init
inotify_add_watch inotify_rm_watch migrate_pages openat mkdirat mknodat fchownat futimesat
newfstatat unlinkat renameat linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll
unshare set_robust_list get_robust_list splice tee sync_file_range vmsplice move_pages utimensat
epoll_pwait signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime accept4
signalfd4 eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo
perf_event_open recvmmsg fanotify_init fanotify_mark prlimit64 name_to_handle_at
open_by_handle_at clock_adjtime syncfs sendmmsg setns getcpu process_vm_readv process_vm_writev
kcmp finit_module sched_setattr sched_getattr renameat2 seccomp getrandom memfd_create
kexec_file_load bpf execveat userfaultfd membarrier mlock2 copy_file_range preadv2 pwritev2
pkey_mprotect pkey_alloc pkey_free statx io_pgetevents rseq
""".split()
_LATER = """
pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen
fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2
process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset landlock_add_rule
landlock_restrict_self memfd_secret process_mrelease futex_waitv set_mempolicy_home_node
cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount
lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat
removexattrat open_tree_attr file_getattr file_setattr
""".split()
NUMBERS = {name: number for number, name in enumerate(_FIRST)}
NUMBERS.update(uretprobe=335, uprobe=336)
NUMBERS.update((name, 424 + at) for at, name in enumerate(_LATER))

AT_FDCWD = -100
SIGCHLD = 17


def word(number):
    return "ok" if number == 0 else errno.errorcode.get(number, str(number))


def _argument(value):
    if isinstance(value, int):
        return ctypes.c_long(value)
    return ctypes.c_char_p(value) if isinstance(value, bytes) else value


def call(name, *arguments):
    """Makes a system call: (what it returned, errno or 0)."""
    number = NUMBERS[name] if isinstance(name, str) else name
    ctypes.set_errno(0)
    value = libc.syscall(ctypes.c_long(number), *[_argument(one) for one in arguments])
    return value, (ctypes.get_errno() if value == -1 else 0)


def attempt(name, *arguments):
    """Makes a system call: "ok" or the errno's name."""
    return word(call(name, *arguments)[1])


def attempt_fd(name, *arguments):
    """The same for a call that makes a file descriptor, which is closed at once."""
    value, number = call(name, *arguments)
    if number == 0:
        os.close(value)
    return word(number)


def tried(function, *arguments):
    """Runs Python that raises OSError when it is refused."""
    try:
        function(*arguments)
        return "ok"
    except OSError as error:
        return word(error.errno)


def opens(path, flags=os.O_RDONLY):
    """Opens and closes, reads and writes nothing; "masked": /dev/null or an empty directory."""
    try:
        fd = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return word(error.errno)
    try:
        status = os.fstat(fd)
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3):
            return "ok" if path == "/dev/null" else "masked"
        if stat.S_ISDIR(status.st_mode) and not os.listdir(fd):
            return "masked"
        return "ok"
    except OSError as error:
        return word(error.errno)
    finally:
        os.close(fd)


def strangers():
    """Processes that are neither init nor this one nor a child of it: the zygote, checkpoints."""
    found = []
    for pid in range(2, 400):
        if pid != os.getpid() and attempt("kill", pid, 0) != "ESRCH":
            if attempt("getpgid", pid) == "ok" and call("getsid", pid)[0] == pid:
                found.append(pid)
    return found


def worst(results):
    """What is worst of several results: "ok" when one worked."""
    results = set(results)
    return "ok" if "ok" in results else " ".join(sorted(results)) or "none"


def folders():
    """Every directory that can be seen, but not the kernel's own. Where the root can't be listed,
    the names that it usually has are tried."""
    usual = "bin boot caisson dev etc home lib lib64 media mnt opt root run sbin srv tmp usr var"
    top = {*usual.split(), "workspace"}
    try:
        top.update(os.listdir("/"))
        yield "/"
    except OSError:
        pass
    for name in sorted(top - {"proc", "sys"}):
        for folder, _, _ in os.walk("/" + name):
            yield folder


def in_child(function, *arguments):
    """What `function` returns in a forked child; "signal N" or "exit N" when that says nothing."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(reading)
            try:
                said = function(*arguments)
            except OSError as error:
                said = word(error.errno)
            os.write(writing, repr(said).encode())
            status = 0
        except BaseException as error:
            os.write(2, repr(error).encode() + b"\n")
        finally:
            os._exit(status)
    os.close(writing)
    said = b""
    while piece := os.read(reading, 65536):
        said += piece
    os.close(reading)
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        status = 0
    if said:
        return ast.literal_eval(said.decode())
    return "signal %d" % -status if status < 0 else "exit %d" % status


def machine_code(code):
    """A function without arguments that runs these bytes; it returns what is in rax."""
    size = mmap.PAGESIZE
    memory = mmap.mmap(-1, size, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    function = ctypes.CFUNCTYPE(ctypes.c_long)(address)
    function.memory = memory
    return function


