# id: K-34
# title: every system call with empty arguments: which ones reach the kernel
# attacker: A3
# boundary: B8
# layer: the whole filter
# leaf: syscalls.allow
# expect: {"beyond the list": ["none"], "listed but refused": ["none"]}
# expect if process.exec=allow: {"beyond the list": ["execve execveat"]}
# control: {"beyond the list": ["some"], "listed but refused": ["none", "some"]}
# gap: {"listed but refused": "other kernels may lack what is listed"}

# What `strict` lets through to the kernel, as people have reviewed it: a change here is a change
# of the wall. A call that is allowed for some arguments only is listed, and tried with those;
# pidfd_send_signal is listed because init makes it for the caller, or not.
LISTED = """
accept accept4 access alarm arch_prctl bind brk capget chdir chmod clock_getres clock_gettime
clock_nanosleep clone close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 exit exit_group
faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fcntl fdatasync
fgetxattr flistxattr flock fork fstat fstatfs fsync ftruncate futex futex_waitv futimesat getcpu
getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid
getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid
getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch inotify_init
inotify_init1 inotify_rm_watch ioctl ioprio_get kill lgetxattr link linkat listen listxattr
llistxattr lseek lstat madvise membarrier memfd_create mkdir mkdirat mknod mknodat mlock mlock2
mmap mprotect mremap msync munlock munmap nanosleep newfstatat open openat openat2 pause
personality pidfd_open pidfd_send_signal pipe pipe2 poll ppoll prctl pread64 preadv preadv2
prlimit64 pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom
recvmmsg recvmsg rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending
rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
sched_getscheduler sched_rr_get_interval sched_yield select sendfile sendmmsg sendmsg sendto
set_robust_list set_tid_address setitimer setpgid setrlimit setsid setsockopt shutdown
sigaltstack signalfd signalfd4 socket socketpair stat statfs statx symlink symlinkat
sync_file_range sysinfo tgkill time timer_create timer_delete timer_getoverrun timer_gettime
timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname
unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev
""".split()

# These end, fork, block or confuse the process that makes them.
SKIPPED = set(
    "rt_sigreturn select pause clone fork vfork exit exit_group pselect6 ppoll ptrace "
    "restart_syscall uretprobe uprobe vhangup".split()
)

# Where zeros would change something, hide a filter's verdict, or miss what is allowed.
ARGUMENTS = {
    "ioctl": (0, 0x5401, ctypes.create_string_buffer(64)),
    "socket": (1, 1, 0),
    "socketpair": (1, 1, 0, None),
    "mknod": (b"", stat.S_IFIFO, 0),
    "mknodat": (AT_FDCWD, b"", stat.S_IFIFO, 0),
    "kill": (os.getpid(), 0),
    "seccomp": (99, 0, 0),
    "prctl": (3, 0, 0, 0, 0),
    "personality": (0xFFFFFFFF,),
    "kexec_load": (0, 1 << 20, 0, 0x7FFF0000),
    "reboot": (1, 1, 1, 0),
    "settimeofday": (struct.pack("<qq", 0, 1 << 40), None),
    "sethostname": (None, -1),
    "setdomainname": (None, -1),
    "acct": (b"/caisson-attack/nowhere",),
    "setpgid": (-1, -1),
    "prlimit64": (0, 999, 0, 0),
}

REPORT = 100  # the descriptor that the sweep reports on: `batch` has 128


def sweep(first, report):
    os.dup2(report, REPORT)
    call("setresuid", 10001, 10001, 10001)  # as root, some would do harm: compare like with like
    for name, number in sorted(NUMBERS.items(), key=lambda item: item[1]):
        if number < first or name in SKIPPED:
            continue
        os.write(REPORT, struct.pack("<ii", number, -1))
        _, error = call(number, *ARGUMENTS.get(name, (0, 0, 0, 0, 0, 0)))
        os.write(REPORT, struct.pack("<ii", number, error))


def swept():
    """number -> errno; -1 for those that killed the process."""
    seen = {}
    while True:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                sweep(max(seen, default=-1) + 1, writing)
            finally:
                os._exit(0)
        os.close(writing)
        before = len(seen)
        with os.fdopen(reading, "rb") as report:
            while record := report.read(8):
                number, error = struct.unpack("<ii", record)
                seen[number] = error
        os.waitpid(pid, 0)
        if len(seen) == before:
            return seen


answers = swept()
reached = {number for number, error in answers.items() if error not in (errno.EPERM, errno.ENOSYS)}
absent = {number for number, error in answers.items() if error == errno.ENOSYS}
names = {number: name for name, number in NUMBERS.items()}
beyond = sorted(names[number] for number in reached if names[number] not in LISTED)
shut = sorted(set(LISTED) - SKIPPED - {names[number] for number in reached | absent})
for title, found in (("beyond the list", beyond), ("listed but refused", shut)):
    if found:
        os.write(1, ("%s: %s\n" % (title, " ".join(found))).encode())


def few(names):
    """Their names, when they are few enough to be meant."""
    return " ".join(names) if 0 < len(names) < 4 else "some" if names else "none"


{
    "beyond the list": few(beyond),
    "listed but refused": "some" if shut else "none",
}
