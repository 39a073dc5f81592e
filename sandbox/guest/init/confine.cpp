#include "sandbox/guest/init/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "sandbox/guest/init/head.h"
#include "sandbox/guest/init/landlock.h"
#include "sandbox/guest/init/system.h"
#include "sandbox/wire/frame.h"
#include "sandbox/wire/message.h"

namespace caisson::guest {
namespace {

constexpr int control_fd = 3;

#if defined(__x86_64__)
constexpr std::uint32_t native_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t native_arch = AUDIT_ARCH_AARCH64;
#else
#error "no seccomp architecture for this processor"
#endif

void send_frame(wire::Type type, std::string_view body, int fd = -1) {
  wire::Header header;
  header.type = type;
  header.length = static_cast<std::uint32_t>(body.size());
  iovec pieces[2] = {{&header, sizeof(header)}, {const_cast<char*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(part), &fd, sizeof(fd));
  }
  ::sendmsg(control_fd, &message, MSG_NOSIGNAL);
}

[[noreturn]] void fail(const std::string& text) {
  send_frame(wire::Type::failed, std::string_view(text).substr(0, wire::max_body));
  ::_exit(1);
}

std::string because() {
  return std::string(": ") + ::strerror(errno);
}

std::uint32_t bit(wire::Missing missing) {
  return static_cast<std::uint32_t>(missing);
}

void arrange_descriptors(int control, int log) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  // Above everything that is about to be overwritten.
  const int high_control = ::fcntl(control, F_DUPFD_CLOEXEC, 10);
  const int high_log = ::fcntl(log, F_DUPFD_CLOEXEC, 10);
  if (null >= 0) ::dup2(null, 0);
  ::dup2(high_log, 1);
  ::dup2(high_log, 2);
  ::dup2(high_control, control_fd);
  if (::syscall(SYS_close_range, 4U, ~0U, 0U) == 0) return;
  const long most = ::sysconf(_SC_OPEN_MAX);
  for (int fd = 4; fd < (most > 0 && most < 65536 ? most : 65536); ++fd) ::close(fd);
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void limit(int resource, rlim_t soft, rlim_t hard) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &now) != 0) return;
  // The container's own limits can be lower; they are no less of a limit.
  const rlimit wanted{std::min({soft, hard, now.rlim_max}), std::min(hard, now.rlim_max)};
  if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted) != 0) {
    fail("resource limit " + std::to_string(resource) + " cannot be set" + because());
  }
}

void set_limits(const wire::Setup& setup) {
  for (const auto& each : setup.rlimits) {
    limit(static_cast<int>(each.resource), each.soft, each.hard);
  }
  const auto memory = setup.limits.memory_bytes;
  if (memory > 0) limit(RLIMIT_DATA, memory, memory);
  limit(RLIMIT_CORE, 0, 0);
}

void raise_oom_score(std::int32_t score) {
  if (score == 0) return;
  // As a copy of init this process is not dumpable, and then the file is root's. exec ends that.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  const Fd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  const auto text = std::to_string(score);
  // Where this cannot be done the kernel picks its victim by size, which is the head in most cases.
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) {
    ::dprintf(2, "oom_score_adj cannot be set%s\n", because().c_str());
  }
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

std::uint32_t restrict_paths(const wire::Setup& setup) {
  if ((setup.landlock_fs | setup.landlock_net | setup.landlock_scoped) == 0) return 0;
  const int abi = landlock_abi();
  std::uint32_t missing = 0;
  if (setup.landlock_net != 0 && abi < 4) missing |= bit(wire::Missing::landlock_net);
  if (setup.landlock_scoped != 0 && abi < 6) missing |= bit(wire::Missing::landlock_scope);
  if (abi < 1) missing |= bit(wire::Missing::landlock);
  if (abi < 1 && setup.landlock_required != 0) {
    fail(
        "the policy requires Landlock, which this kernel or container runtime does not offer: use "
        "a kernel of version 5.13 or newer with Landlock enabled, or set runtime.landlock to "
        "'preferred' in the policy");
  }
  const landlock::RulesetAttr attributes{setup.landlock_fs & landlock::known_fs(abi),
                                         setup.landlock_net & landlock::known_net(abi),
                                         setup.landlock_scoped & landlock::known_scoped(abi)};
  if ((attributes.handled_fs | attributes.handled_net | attributes.scoped) == 0) return missing;
  const Fd ruleset(static_cast<int>(
      ::syscall(landlock::sys_create_ruleset, &attributes, sizeof(attributes), 0)));
  if (!ruleset) fail("Landlock refused the rule set" + because());
  for (const auto& rule : setup.landlock_rules) {
    const Fd path(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
    if (!path) continue;  // not in this image
    struct stat about{};
    landlock::PathBeneathAttr beneath;
    beneath.allowed = rule.access & attributes.handled_fs;
    if (::fstat(path.get(), &about) == 0 && !S_ISDIR(about.st_mode)) {
      beneath.allowed &= landlock::of_files;
    }
    beneath.parent = path.get();
    if (beneath.allowed == 0) continue;
    if (::syscall(landlock::sys_add_rule, ruleset.get(), landlock::rule_path_beneath, &beneath,
                  0) != 0) {
      fail("Landlock refused the rule for " + rule.path + because());
    }
  }
  for (const auto& each : setup.landlock_ports) {
    const landlock::NetPortAttr port{each.access & attributes.handled_net, each.port};
    if (port.allowed == 0) continue;
    if (::syscall(landlock::sys_add_rule, ruleset.get(), landlock::rule_net_port, &port, 0) != 0) {
      fail("Landlock refused the rule for port " + std::to_string(each.port) + because());
    }
  }
  if (::syscall(landlock::sys_restrict_self, ruleset.get(), 0) != 0) {
    fail("Landlock could not be put in force" + because());
  }
  return missing;
}

using Program = std::vector<sock_filter>;

long install(Program& program, unsigned flags) {
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

// The filter where nobody listens: what it would hand to init gets a fixed answer in front of it. A
// call that is let through at times has to be let through always.
Program with_fixed_answers(const Program& program, const std::vector<wire::SetupCall>& calls) {
  Program out;
  const auto add = [&out](unsigned code, std::uint32_t k, unsigned yes = 0, unsigned no = 0) {
    out.push_back({static_cast<__u16>(code), static_cast<__u8>(yes), static_cast<__u8>(no), k});
  };
  for (const auto& call : calls) {
    add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, native_arch, 0, 3);
    add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call.number), 0, 1);
    add(BPF_RET | BPF_K, call.mediation == 0
                             ? SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(call.error) & 0xFFFF)
                             : SECCOMP_RET_ALLOW);
  }
  out.insert(out.end(), program.begin(), program.end());
  return out;
}

// Installs the inner filter; `listener` gets its descriptor when calls are to be explained.
std::uint32_t install_filter(const wire::Setup& setup, Fd& listener) {
  if (setup.inner_filter.empty()) return 0;
  Program program(setup.inner_filter.size() / sizeof(sock_filter));
  std::memcpy(program.data(), setup.inner_filter.data(), program.size() * sizeof(sock_filter));
  if (setup.calls.empty()) {
    if (install(program, 0) == 0) return 0;
    return bit(wire::Missing::inner_filter);
  }
  if (setup.limits.explain != 0) {
    // Since 5.19: a caller whose call is being judged can only be killed, not interrupted. Else a
    // signal could make a call that init performs happen twice.
    constexpr unsigned killable = 1U << 5;  // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
    long fd = install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER | killable);
    if (fd < 0) fd = install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (fd >= 0) {
      listener.reset(static_cast<int>(fd));
      return 0;
    }
  }
  bool judged = setup.limits.explain != 0;
  for (const auto& call : setup.calls) judged = judged || call.mediation != 0;
  if (judged && setup.notify_required != 0) {
    fail(
        "the policy requires that denied system calls are explained, but this kernel or container "
        "runtime offers no seccomp user notification" +
        because() + "; set runtime.notify to 'preferred' in the policy");
  }
  auto fixed = with_fixed_answers(program, setup.calls);
  const auto missing = judged ? bit(wire::Missing::notify) : 0;
  return install(fixed, 0) == 0 ? missing : missing | bit(wire::Missing::inner_filter);
}

// The interpreter's path: looked up in PATH of the environment that it gets, then where images
// usually have it.
std::string find_program(const wire::Setup& setup) {
  const auto& name = setup.argv.front();
  if (name.find('/') != std::string::npos) return name;
  std::string directories;
  for (const auto& entry : setup.env) {
    if (entry.starts_with("PATH=")) directories = entry.substr(5) + ":";
  }
  directories += "/usr/local/bin:/usr/bin:/bin";
  for (std::string_view rest = directories; !rest.empty();) {
    const auto end = rest.find(':');
    const auto directory = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (directory.empty()) continue;
    auto path = std::string(directory) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  fail("the image has no " + name + " (looked in " + directories +
       "): use an image with Python 3, or install it in this one");
}

}  // namespace

int landlock_abi() {
  const long abi = ::syscall(landlock::sys_create_ruleset, nullptr, 0, landlock::create_version);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

void become_zygote(const wire::Setup& setup, int control, int log) {
  arrange_descriptors(control, log);
  reset_signals();
  ::setsid();
  ::umask(static_cast<mode_t>(setup.limits.umask));
  if (!setup.working_dir.empty() && ::chdir(setup.working_dir.c_str()) != 0) {
    fail("the working directory " + setup.working_dir + " cannot be entered" + because() +
         ": mount it, or set process.working_dir in the policy to one that is there");
  }
  const auto program = find_program(setup);
  set_limits(setup);
  // Processes that spin by the hundred must not keep init from its work. Where this is refused it
  // has to do without.
  ::setpriority(PRIO_PROCESS, 0, setup.limits.niceness);
  raise_oom_score(resting(setup.limits.oom_score_adj));

  std::vector<char*> argv;
  std::vector<char*> env;
  for (const auto& word : setup.argv) argv.push_back(const_cast<char*>(word.c_str()));
  for (const auto& entry : setup.env) env.push_back(const_cast<char*>(entry.c_str()));
  argv.push_back(nullptr);
  env.push_back(nullptr);

  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    fail("no_new_privs cannot be set" + because());
  }
  Confined confined;
  confined.missing |= restrict_paths(setup);
  Fd listener;
  confined.missing |= install_filter(setup, listener);
  send_frame(wire::Type::confined, wire::bytes_of(confined), listener.get());
  listener.reset();

  ::execve(program.c_str(), argv.data(), env.data());
  fail(program + " cannot be run" + because() +
       (errno == ENOENT ? " (its dynamic loader is missing in the image)" : ""));
}

}  // namespace caisson::guest
