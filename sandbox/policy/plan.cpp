#include "sandbox/policy/plan.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>

#include "sandbox/policy/groups.h"

namespace caisson {
namespace {

using Action = CallPlan::Action;

constexpr std::uint64_t low32 = 0xffffffff;

std::set<std::string> expand(const std::vector<std::string>& names) {
  std::set<std::string> calls;
  for (const auto& name : names) {
    if (auto members = expand_group(name)) {
      calls.insert(members->begin(), members->end());
    } else if (known_syscall(name)) {
      calls.insert(name);
    }
  }
  return calls;
}

std::vector<ArgTests> any_of(unsigned arg, std::initializer_list<std::uint64_t> values) {
  std::vector<ArgTests> tests;
  for (const auto value : values) tests.push_back({{arg, low32, value}});
  return tests;
}

bool is_in(std::string_view name, std::string_view group) {
  const auto calls = expand_group(group);
  return std::find(calls->begin(), calls->end(), name) != calls->end();
}

// New namespaces. CLONE_NEWTIME exists only for unshare and clone3.
constexpr std::uint64_t forbidden_clone_flags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                                CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                                                CLONE_NEWNET;

// Newer than Debian 12's headers, or not in them.
constexpr std::uint64_t pr_set_vma = 0x53564d41;  // names an anonymous mapping, as glibc does
constexpr std::uint64_t f_get_rw_hint = 1035;
constexpr std::uint64_t ficlone = 0x40049409;  // cp tries to share blocks before it copies them

// Which arguments a call may have. Empty: any.
std::vector<ArgTests> allowed_arguments(const Policy& policy, std::string_view name) {
  if (name == "socket" || name == "socketpair") {
    if (policy.network.mode == NetworkMode::loopback && name == "socket") {
      return any_of(0, {AF_UNIX, AF_INET, AF_INET6});
    }
    if (policy.network.mode == NetworkMode::proxy && name == "socket") {
      // TCP to the proxy on the sandbox's loopback. Not by way of MPTCP, which Landlock does not
      // see.
      constexpr std::uint64_t type = 0xf;
      auto tests = any_of(0, {AF_UNIX});
      for (const std::uint64_t protocol : {0U, 6U /* TCP */}) {
        tests.push_back({{0, low32, AF_INET}, {1, type, SOCK_STREAM}, {2, low32, protocol}});
      }
      return tests;
    }
    return any_of(0, {AF_UNIX});
  }
  if (name == "clone") return {{{0, forbidden_clone_flags, 0}}};
  if (name == "mknod" || name == "mknodat") {
    const unsigned mode = name == "mknod" ? 1 : 2;
    return {{{mode, S_IFMT, S_IFIFO}}, {{mode, S_IFMT, S_IFREG}}, {{mode, S_IFMT, 0}}};
  }
  if (name == "ioctl") {
    return any_of(1, {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX});
  }
  if (name == "prctl") {
    // No PR_SET_MM, PR_SET_PTRACER, PR_SET_SECCOMP, PR_SET_KEEPCAPS, PR_SET_SECUREBITS, and no
    // PR_SET_CHILD_SUBREAPER: orphans must come to init, which looks for strays.
    return any_of(
        0, {PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_NAME,
            PR_GET_NAME, PR_GET_SECCOMP, PR_CAPBSET_READ, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK,
            PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_GET_CHILD_SUBREAPER, PR_GET_TID_ADDRESS,
            PR_SET_THP_DISABLE, PR_GET_THP_DISABLE, pr_set_vma});
  }
  if (name == "personality") return any_of(0, {0xffffffff});
  if (name == "fcntl") {
    // No F_SETOWN, F_SETOWN_EX and F_SETSIG: with them the kernel itself sends a signal of the
    // caller's choice, SIGKILL included, to any process of the same user, past the mediation of
    // kill().
    return any_of(1, {F_DUPFD,
                      F_GETFD,
                      F_SETFD,
                      F_GETFL,
                      F_SETFL,
                      F_GETLK,
                      F_SETLK,
                      F_SETLKW,
                      F_GETOWN,
                      F_DUPFD_CLOEXEC,
                      36 /* F_OFD_GETLK */,
                      37 /* F_OFD_SETLK */,
                      38 /* F_OFD_SETLKW */,
                      1024 /* F_SETLEASE */,
                      1025 /* F_GETLEASE */,
                      1031 /* F_SETPIPE_SZ */,
                      1032 /* F_GETPIPE_SZ */,
                      1033 /* F_ADD_SEALS */,
                      1034 /* F_GET_SEALS */,
                      f_get_rw_hint});
  }
  if (name == "prlimit64") {
    // Own limits, or only reading. With the same user any process's limits can be set, and
    // RLIMIT_CPU kills: a block could end its checkpoint, or init.
    return {{{0, low32, 0}}, {{2, ~0ULL, 0}}};
  }
  if (!policy.process.write_and_execute &&
      (name == "mmap" || name == "mprotect" || name == "pkey_mprotect")) {
    constexpr std::uint64_t both = PROT_WRITE | PROT_EXEC;
    return {{{2, both, 0}}, {{2, both, PROT_WRITE}}, {{2, both, PROT_EXEC}}};
  }
  return {};
}

// Refused without a word because libraries try it on their own account.
std::vector<ArgTests> quiet_arguments(const Policy& policy, std::string_view name) {
  // glibc asks netlink for the machine's addresses in every getaddrinfo().
  if (name == "socket" && policy.network.mode == NetworkMode::loopback) {
    return any_of(0, {AF_NETLINK});
  }
  // And HTTP libraries look whether there is IPv6.
  if (name == "socket" && policy.network.mode == NetworkMode::proxy) {
    return any_of(0, {AF_NETLINK, AF_INET6});
  }
  if (name == "ioctl") return any_of(1, {ficlone});
  return {};
}

// Calls that init decides about, when it can: the kernel hands them over.
bool mediate(const Policy& policy, CallPlan& call) {
  if (is_in(call.name, "@exec")) {
    if (policy.process.exec == Exec::deny && policy.runtime.notify != Need::off) {
      call.action = Action::mediated;
      call.mediation = Mediation::first_exec;
    }
    return true;
  }
  if (call.action == Action::allow && is_in(call.name, "@send-signal")) {
    if (policy.runtime.notify != Need::off) {
      call.action = Action::mediated;
      call.mediation = Mediation::signal;
    }
    return true;
  }
  return false;
}

int error_of(std::string_view name) {
  // As from SELinux's execmem; allocators of executable memory know it.
  if (name == "mmap" || name == "mprotect" || name == "pkey_mprotect") return EACCES;
  return EPERM;
}

}  // namespace

std::vector<CallPlan> plan_syscalls(const Policy& policy) {
  auto allowed = expand(policy.syscalls.allow);
  const auto denied = expand(policy.syscalls.deny);
  const auto quiet = expand(policy.syscalls.quiet);
  const auto missing = expand(policy.syscalls.missing);
  // Programs start, or not, as process.exec says.
  allowed.insert({"execve", "execveat"});

  std::vector<CallPlan> plan;
  for (const int number : known_syscall_numbers()) {
    CallPlan call;
    call.number = number;
    call.name = syscall_name(number);
    call.error = error_of(call.name);
    if (missing.contains(call.name)) {
      call.action = Action::missing;
      call.error = ENOSYS;
    } else if (denied.contains(call.name)) {
      call.action = Action::denied;
    } else if (allowed.contains(call.name)) {
      call.action = Action::allow;
      if (!mediate(policy, call)) {
        call.allowed_when = allowed_arguments(policy, call.name);
        call.quiet_when = quiet_arguments(policy, call.name);
        if (!call.allowed_when.empty()) call.action = Action::conditional;
      }
    } else if (quiet.contains(call.name)) {
      call.action = Action::quiet;
    }
    plan.push_back(std::move(call));
  }
  return plan;
}

}  // namespace caisson
