#include "sandbox/policy/groups.h"

#include <algorithm>
#include <set>

namespace caisson {
namespace {

// Traced with CPython 3.11, numpy, sqlite3, threads, asyncio, subprocess and multiprocessing, and
// rounded up to whole families where one member is as harmless as the other.
constexpr SyscallGroup groups[] = {
    {"@python", "what CPython with numpy, sqlite3, threads, asyncio and subprocess needs",
     "@basic-io @file-system @memory @process @signal @thread @time @poll @unix-socket "
     "@system-info"},

    {"@basic-io", "reading and writing open files",
     "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close "
     "close_range dup dup2 dup3 pipe pipe2 fcntl ioctl sendfile copy_file_range fsync fdatasync "
     "sync_file_range fadvise64 readahead"},
    {"@file-system", "opening, listing, changing files beneath the paths that Landlock allows",
     "open openat openat2 creat access faccessat faccessat2 stat lstat fstat newfstatat statx "
     "statfs fstatfs getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir rename renameat "
     "renameat2 link linkat symlink symlinkat readlink readlinkat unlink unlinkat truncate "
     "ftruncate fallocate flock chmod fchmod fchmodat fchmodat2 umask utime utimes utimensat "
     "futimesat mknod mknodat getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr "
     "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch"},
    {"@memory", "the process's own memory",
     "brk mmap munmap mremap mprotect madvise msync mlock munlock mlock2 membarrier memfd_create"},
    {"@process", "own identity, limits, children; starting programs is up to process.exec",
     "clone fork vfork wait4 waitid exit exit_group getpid getppid gettid getpgid getpgrp setpgid "
     "getsid setsid getuid geteuid getgid getegid getresuid getresgid getgroups capget prctl "
     "arch_prctl prlimit64 getrlimit setrlimit getrusage times sched_yield sched_getaffinity "
     "sched_getparam sched_getscheduler sched_getattr sched_get_priority_max "
     "sched_get_priority_min sched_rr_get_interval getpriority ioprio_get personality pidfd_open"},
    {"@signal", "handling signals, and sending them where init allows it",
     "rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigreturn "
     "rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack pause kill tkill tgkill pidfd_send_signal "
     "restart_syscall"},
    {"@thread", "threads and their locks",
     "futex futex_waitv set_tid_address set_robust_list rseq getcpu"},
    {"@time", "clocks to read, timers, sleeping",
     "time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep alarm getitimer "
     "setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete "
     "timerfd_create timerfd_settime timerfd_gettime"},
    {"@poll", "waiting for descriptors",
     "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait "
     "epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4"},
    {"@unix-socket", "sockets of the families that network.mode allows; AF_UNIX always",
     "socket socketpair bind connect listen accept accept4 getsockname getpeername getsockopt "
     "setsockopt shutdown sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg"},
    {"@system-info", "facts about the machine", "uname sysinfo getrandom"},

    {"@exec", "starting programs", "execve execveat"},
    {"@send-signal", "sending signals",
     "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal"},

    {"@aio", "asynchronous I/O of the old kind",
     "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents"},
    {"@chown", "giving files away", "chown fchown lchown fchownat"},
    {"@clock", "setting clocks", "settimeofday clock_settime clock_adjtime adjtimex stime"},
    {"@debug", "looking into other processes",
     "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd "
     "perf_event_open lookup_dcookie"},
    {"@fingerprint", "side channels of the page cache", "mincore cachestat"},
    {"@io-uring", "io_uring, whose operations no filter sees",
     "io_uring_setup io_uring_enter io_uring_register"},
    {"@ipc-posix", "POSIX message queues",
     "mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr"},
    {"@ipc-sysv", "System V shared memory, messages and semaphores",
     "shmget shmat shmdt shmctl msgget msgsnd msgrcv msgctl semget semop semtimedop semctl"},
    {"@keyring", "the kernel's keys", "add_key request_key keyctl"},
    {"@landlock", "further Landlock layers",
     "landlock_create_ruleset landlock_add_rule landlock_restrict_self"},
    {"@module", "kernel modules",
     "init_module finit_module delete_module create_module get_kernel_syms query_module"},
    {"@mount", "mounts and roots",
     "mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick open_tree move_mount "
     "mount_setattr statmount listmount"},
    {"@namespace", "making and entering namespaces", "unshare setns"},
    {"@numa", "placing memory",
     "mbind set_mempolicy get_mempolicy set_mempolicy_home_node migrate_pages move_pages"},
    {"@obsolete", "calls that nobody needs any more",
     "_sysctl afs_syscall create_module ftime get_kernel_syms getpmsg gtty idle lock mpx "
     "nfsservctl "
     "prof profil putpmsg query_module security sgetmask ssetmask stty sysfs tuxcall ulimit uselib "
     "ustat vserver remap_file_pages get_thread_area set_thread_area get_robust_list "
     "epoll_ctl_old epoll_wait_old"},
    {"@pkey", "memory protection keys", "pkey_alloc pkey_free pkey_mprotect"},
    {"@privileged", "for an administrator",
     "acct quotactl quotactl_fd swapon swapoff vhangup sethostname setdomainname syslog bpf "
     "fanotify_init fanotify_mark nfsservctl capset open_by_handle_at name_to_handle_at "
     "memfd_secret userfaultfd modify_ldt map_shadow_stack"},
    {"@raw-io", "hardware ports", "ioperm iopl pciconfig_read pciconfig_write pciconfig_iobase"},
    {"@reboot", "restarting the machine", "reboot kexec_load kexec_file_load"},
    {"@sched-priv", "more than a fair share",
     "sched_setaffinity sched_setparam sched_setscheduler sched_setattr setpriority ioprio_set "
     "mlockall munlockall"},
    {"@setuid", "changing identity",
     "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups"},
    {"@splice", "moving pages between descriptors, the way in of Dirty Pipe",
     "splice tee vmsplice"},
    {"@sync", "flushing every file system", "sync syncfs"},
    {"@xattr-write", "setting extended attributes",
     "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"},

    {"@sandbox-escape", "what a policy cannot allow: each opens a way out, or to a checkpoint",
     "@debug @io-uring @keyring @landlock @module @mount @namespace @raw-io @reboot acct bpf "
     "capset fanotify_init fanotify_mark map_shadow_stack memfd_secret modify_ldt "
     "name_to_handle_at open_by_handle_at quotactl quotactl_fd seccomp swapoff "
     "swapon syslog userfaultfd"},
    {"@start", "without these no interpreter starts, so no policy can take them away",
     "read write close openat mmap munmap mprotect brk futex exit exit_group rt_sigaction "
     "rt_sigprocmask rt_sigreturn fcntl ioctl lseek newfstatat getdents64 clone wait4 getpid "
     "gettid getrandom arch_prctl set_tid_address set_robust_list prctl prlimit64 poll recvmsg "
     "sendmsg dup2 pipe2 execve"},
};

const SyscallGroup* find_group(std::string_view name) {
  const auto found = std::find_if(std::begin(groups), std::end(groups),
                                  [name](const auto& group) { return group.name == name; });
  return found == std::end(groups) ? nullptr : found;
}

void collect(const SyscallGroup& group, std::set<std::string>& calls) {
  for (auto rest = group.members; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    const auto member = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (member.starts_with('@')) {
      collect(*find_group(member), calls);
    } else if (known_syscall(member)) {
      calls.insert(std::string(member));
    }
  }
}

}  // namespace

std::span<const SyscallGroup> syscall_groups() {
  return groups;
}

std::optional<std::vector<std::string>> expand_group(std::string_view name) {
  const auto* group = find_group(name);
  if (group == nullptr) return std::nullopt;
  std::set<std::string> calls;
  collect(*group, calls);
  return std::vector<std::string>(calls.begin(), calls.end());
}

}  // namespace caisson
