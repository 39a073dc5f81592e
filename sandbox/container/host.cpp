#include "sandbox/container/host.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace caisson {
namespace {

// Debian 12's headers know Landlock only in part; these numbers are the kernel's ABI.
constexpr long landlock_create_ruleset = 444;
constexpr unsigned landlock_version_flag = 1;

bool has_notify() {
  std::uint32_t action = SECCOMP_RET_USER_NOTIF;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

// Arguments that no kernel accepts: what is missing answers ENOSYS, or EPERM behind a filter.
bool has_call(long number) {
  return ::syscall(number, -1, nullptr, nullptr, 0) == -1 && errno != ENOSYS && errno != EPERM;
}

// Tried in a child: unshare changes the process that calls it.
bool can_make_user_namespace() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

std::vector<std::string> words_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// Enabled controllers of version 1: "name hierarchy cgroups enabled", a line each.
std::vector<std::string> controllers_v1() {
  std::ifstream in("/proc/cgroups");
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string name;
    int hierarchy = 0;
    int groups = 0;
    int enabled = 0;
    if (fields >> name >> hierarchy >> groups >> enabled && hierarchy != 0 && enabled != 0) {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace

HostFacts look_at_host() {
  HostFacts facts;
  utsname names{};
  if (::uname(&names) == 0) facts.kernel = names.release;
  const long abi = ::syscall(landlock_create_ruleset, nullptr, 0, landlock_version_flag);
  facts.landlock_abi = abi > 0 ? static_cast<int>(abi) : 0;
  facts.seccomp_notify = has_notify();
  facts.openat2 = has_call(SYS_openat2);
  // From descriptor 2 to 1: refused, and nothing is closed.
  facts.close_range = ::syscall(SYS_close_range, 2U, 1U, 0U) == -1 && errno == EINVAL;
  facts.root = ::geteuid() == 0;
  facts.user_namespaces = can_make_user_namespace();
  if (std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers")) {
    facts.cgroup_version = 2;
    facts.cgroup_controllers = words_of("/sys/fs/cgroup/cgroup.controllers");
  } else if (auto controllers = controllers_v1(); !controllers.empty()) {
    facts.cgroup_version = 1;
    facts.cgroup_controllers = std::move(controllers);
  }
  return facts;
}

}  // namespace caisson
