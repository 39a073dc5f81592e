#include "sandbox/policy/seccomp.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "sandbox/base/fd.h"
#include "sandbox/policy/groups.h"

namespace caisson {
namespace {

using Action = CallPlan::Action;

constexpr std::uint32_t x32_bit = 0x40000000;
constexpr std::uint32_t no_call = 0xffffffff;  // -1, which libseccomp does not count as x32

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

std::uint32_t refusal(const Policy& policy) {
  switch (policy.syscalls.on_deny) {
    case Answer::notify:
      return policy.runtime.notify == Need::off ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_NOTIFY;
    case Answer::error:
      return SCMP_ACT_ERRNO(EPERM);
    case Answer::kill:
      return SCMP_ACT_KILL_PROCESS;
  }
  return SCMP_ACT_KILL_PROCESS;
}

scmp_arg_cmp compare(const ArgTest& test) {
  return {test.arg, SCMP_CMP_MASKED_EQ, test.mask, test.value};
}

class InnerFilter {
 public:
  explicit InnerFilter(std::uint32_t otherwise)
      : filter_(seccomp_init(otherwise)), otherwise_(otherwise) {
    keep(filter_ ? 0 : -ENOMEM, "init");
    if (!filter_) return;
    // The native architecture is there from the start; these bind the filter to x86-64 wherever it
    // is compiled.
    if (seccomp_arch_native() != SCMP_ARCH_X86_64) {
      keep(seccomp_arch_add(filter_.get(), SCMP_ARCH_X86_64), "x86-64");
      keep(seccomp_arch_remove(filter_.get(), SCMP_ARCH_NATIVE), "native architecture");
    }
    keep(seccomp_attr_set(filter_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
         "foreign architectures");
    // A binary tree: an allowed call passes about ten instructions instead of some hundred.
    keep(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "tree");
  }

  void add(std::uint32_t action, const CallPlan& call) {
    if (action == otherwise_ || !filter_) return;  // libseccomp refuses what the default says
    keep(seccomp_rule_add_array(filter_.get(), action, call.number, 0, nullptr), call.name);
  }
  void add(std::uint32_t action, const CallPlan& call, const ArgTests& tests) {
    if (action == otherwise_ || !filter_) return;
    std::vector<scmp_arg_cmp> all;
    for (const auto& test : tests) all.push_back(compare(test));
    keep(seccomp_rule_add_array(filter_.get(), action, call.number,
                                static_cast<unsigned>(all.size()), all.data()),
         call.name);
  }

  Result<std::vector<std::uint8_t>> bytes() const {
    if (!error_.empty()) return Error(Errc::bad_policy, error_);
    const OwnedFd file(::memfd_create("filter", MFD_CLOEXEC));
    if (!file) return Error(Errc::io, fmt::format("memfd_create: {}", std::strerror(errno)));
    if (const int status = seccomp_export_bpf(filter_.get(), file.get()); status != 0) {
      return Error(Errc::bad_policy,
                   fmt::format("libseccomp cannot write the filter: {}", std::strerror(-status)));
    }
    const auto size = ::lseek(file.get(), 0, SEEK_END);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::max<off_t>(size, 0)));
    if (::pread(file.get(), bytes.data(), bytes.size(), 0) != size) {
      return Error(Errc::io, "the compiled filter cannot be read back");
    }
    return bytes;
  }

 private:
  void keep(int status, std::string_view what) {
    if (status == 0 || !error_.empty()) return;
    error_ = fmt::format("libseccomp refuses the rule for {}: {}", what, std::strerror(-status));
  }

  Filter filter_;
  std::uint32_t otherwise_;
  std::string error_;
};

// Answers numbers beyond all that we know with ENOSYS, before the rest of the filter: programs that
// try a call of a newer kernel then fall back to an older one, where EPERM would stop them.
std::vector<std::uint8_t> newer_calls_are_missing() {
  const auto highest = static_cast<std::uint32_t>(known_syscall_numbers().back());
  const sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SCMP_ARCH_X86_64, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, no_call, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, highest, 0, 2),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
  };
  std::vector<std::uint8_t> bytes(sizeof code);
  std::memcpy(bytes.data(), code, sizeof code);
  return bytes;
}

// libseccomp asks the running kernel what it can do; a policy must compile to the same bytes
// wherever that happens. Level 5 has user notification.
void assume_a_current_kernel() {
  static const int status = seccomp_api_set(5);
  static_cast<void>(status);
}

}  // namespace

Result<std::vector<std::uint8_t>> make_inner_filter(const Policy& policy,
                                                    const std::vector<CallPlan>& plan) {
  assume_a_current_kernel();
  InnerFilter filter(refusal(policy));
  for (const auto& call : plan) {
    switch (call.action) {
      case Action::allow:
        filter.add(SCMP_ACT_ALLOW, call);
        break;
      case Action::conditional:
        for (const auto& tests : call.allowed_when) filter.add(SCMP_ACT_ALLOW, call, tests);
        for (const auto& tests : call.quiet_when) {
          filter.add(SCMP_ACT_ERRNO(static_cast<unsigned>(call.error)), call, tests);
        }
        break;
      case Action::mediated:
        filter.add(SCMP_ACT_NOTIFY, call);
        break;
      case Action::denied:
        break;
      case Action::quiet:
      case Action::missing:
        filter.add(SCMP_ACT_ERRNO(static_cast<unsigned>(call.error)), call);
        break;
    }
  }
  auto rules = filter.bytes();
  if (!rules) return rules.error();
  auto bytes = newer_calls_are_missing();
  bytes.insert(bytes.end(), rules->begin(), rules->end());
  if (bytes.size() / sizeof(sock_filter) > BPF_MAXINSNS) {
    return Error(Errc::bad_policy, "syscalls: the filter is longer than the kernel takes");
  }
  return bytes;
}

std::vector<NotifiedCall> notified_calls(const Policy& policy, const std::vector<CallPlan>& plan) {
  const bool explained = refusal(policy) == SCMP_ACT_NOTIFY;
  std::vector<NotifiedCall> calls;
  for (const auto& call : plan) {
    const bool refused = call.action == Action::denied || call.action == Action::conditional;
    if (call.action == Action::mediated || (explained && refused)) {
      calls.push_back({call.number, call.error, call.mediation});
    }
  }
  return calls;
}

OuterProfile make_outer_profile(const Policy& policy, const std::vector<CallPlan>& plan) {
  // init's own: it sets up the inner layers and serves the notifications (by ioctl); runc needs
  // nothing that is not allowed to the sandboxed code as well.
  static constexpr std::string_view for_init[] = {"seccomp",
                                                  "landlock_create_ruleset",
                                                  "landlock_add_rule",
                                                  "landlock_restrict_self",
                                                  "prctl",
                                                  "ioctl",
                                                  "fcntl",
                                                  "prlimit64",
                                                  "kill",
                                                  "tgkill",
                                                  "pidfd_open",
                                                  "pidfd_send_signal",
                                                  "pidfd_getfd",
                                                  "waitid",
                                                  "execve",
                                                  "openat2",
                                                  "mkdirat",
                                                  "inotify_init1",
                                                  "inotify_add_watch",
                                                  "renameat",
                                                  "unlinkat",
                                                  "fchmod",
                                                  "fchmodat",
                                                  "symlinkat",
                                                  "sendfile",
                                                  "utimensat",
                                                  "setpriority",
                                                  "close_range"};
  const bool explained = refusal(policy) == SCMP_ACT_NOTIFY;
  std::vector<std::string> allowed;
  std::vector<std::string> missing;
  for (const auto& call : plan) {
    const bool own =
        std::find(std::begin(for_init), std::end(for_init), call.name) != std::end(for_init);
    if (own || call.action == Action::allow || call.action == Action::conditional ||
        call.action == Action::mediated || (call.action == Action::denied && explained)) {
      allowed.push_back(call.name);
    } else if (call.action == Action::missing) {
      missing.push_back(call.name);
    }
  }
  std::sort(allowed.begin(), allowed.end());
  std::sort(missing.begin(), missing.end());

  // runc drops rules that say what the default says, so there must be none: ENOSYS is another
  // errno.
  nlohmann::json rules = nlohmann::json::array();
  rules.push_back({{"names", allowed}, {"action", "SCMP_ACT_ALLOW"}});
  if (!missing.empty()) {
    rules.push_back({{"names", missing}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", ENOSYS}});
  }
  nlohmann::json profile{{"defaultAction", "SCMP_ACT_ERRNO"},
                         {"defaultErrnoRet", EPERM},
                         {"architectures", {"SCMP_ARCH_X86_64"}},
                         {"syscalls", rules}};
  OuterProfile both;
  both.oci = profile.dump();
  // Docker's form of a rule has `args` too, and older daemons crash on a rule without `names`.
  for (auto& rule : profile["syscalls"]) rule["args"] = nlohmann::json::array();
  both.docker = profile.dump();
  return both;
}

bool known_syscall(std::string_view name) {
  return syscall_number(name) >= 0;
}

int syscall_number(std::string_view name) {
  const int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, std::string(name).c_str());
  return number >= 0 ? number : -1;
}

std::string syscall_name(int number) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number), &std::free);
  return name ? std::string(name.get()) : fmt::format("syscall_{}", number);
}

const std::vector<int>& known_syscall_numbers() {
  // Twice the highest number of Linux 6.18; x32 has its own range far above.
  constexpr int limit = 1000;
  static const auto numbers = [] {
    std::vector<int> known;
    for (int number = 0; number < limit; ++number) {
      if (syscall_number(syscall_name(number)) == number) known.push_back(number);
    }
    return known;
  }();
  return numbers;
}

}  // namespace caisson
