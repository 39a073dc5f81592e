#include "sandbox/container/cgroup.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace caisson {

namespace fs = std::filesystem;

namespace {

// With v1 each controller has a directory of its own under `top`, some of them links to others;
// with v2 `top` itself is the hierarchy.
std::vector<fs::path> hierarchies(const fs::path& top) {
  std::error_code error;
  std::vector<fs::path> roots;
  if (fs::exists(top / "cgroup.procs", error)) roots.push_back(top);
  for (const auto& entry : fs::directory_iterator(top, error)) {
    std::error_code ignored;
    if (entry.is_symlink(ignored) || !fs::exists(entry.path() / "cgroup.procs", ignored)) continue;
    if (roots.empty() || roots.front() != top) roots.push_back(entry.path());
  }
  return roots;
}

// "key value" lines, as in memory.events and memory.oom_control.
std::uint64_t value_of(const fs::path& file, const std::string& key) {
  std::ifstream in(file);
  std::string name;
  std::uint64_t value = 0;
  while (in >> name >> value) {
    if (name == key) return value;
  }
  return 0;
}

void kill_in(const fs::path& group) {
  std::ifstream in(group / "cgroup.procs");
  for (pid_t pid = 0; in >> pid;) {
    if (pid <= 1 || pid == ::getpid()) continue;
    ::kill(pid, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
  }
}

}  // namespace

std::vector<fs::path> find_cgroups(const std::string& name, const fs::path& top) {
  std::vector<fs::path> found;
  for (const auto& root : hierarchies(top)) {
    std::error_code error;
    if (fs::is_directory(root / name, error)) found.push_back(root / name);
  }
  return found;
}

namespace {

// With v2 "max 100000" or "50000 100000", with v1 the microseconds of a period alone, -1: no limit.
fs::path quota_file(const std::string& name, const fs::path& top) {
  std::error_code error;
  for (const auto& group : find_cgroups(name, top)) {
    for (const char* file : {"cpu.max", "cpu.cfs_quota_us"}) {
      if (fs::exists(group / file, error)) return group / file;
    }
  }
  return {};
}

}  // namespace

std::string lift_cpu_quota(const std::string& name, const fs::path& top) {
  const auto file = quota_file(name, top);
  if (file.empty()) return "";
  std::string before;
  std::getline(std::ifstream(file), before);
  std::ofstream(file) << (file.filename() == "cpu.max" ? "max" : "-1");
  return before;
}

void set_cpu_quota(const std::string& name, const std::string& quota, const fs::path& top) {
  const auto file = quota_file(name, top);
  if (!file.empty() && !quota.empty()) std::ofstream(file) << quota;
}

std::vector<std::string> cgroups_with_prefix(const std::string& prefix, const fs::path& top) {
  std::vector<std::string> names;
  for (const auto& root : hierarchies(top)) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root, error)) {
      const auto name = entry.path().filename().string();
      if (name.starts_with(prefix) && entry.is_directory()) names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::uint64_t oom_kills(const std::string& name, const fs::path& top) {
  std::uint64_t kills = 0;
  for (const auto& group : find_cgroups(name, top)) {
    kills = std::max(kills, value_of(group / "memory.events", "oom_kill"));
    kills = std::max(kills, value_of(group / "memory.oom_control", "oom_kill"));
  }
  return kills;
}

bool sweep_cgroups(const std::string& name, const fs::path& top) {
  bool gone = true;
  for (const auto& group : find_cgroups(name, top)) {
    std::vector<fs::path> all{group};
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(group, error)) {
      if (entry.is_directory()) all.push_back(entry.path());
    }
    // Children come after their parents in `all` and must go first.
    for (auto path = all.rbegin(); path != all.rend(); ++path) {
      kill_in(*path);
      if (::rmdir(path->c_str()) != 0) gone = false;
    }
  }
  return gone;
}

}  // namespace caisson
