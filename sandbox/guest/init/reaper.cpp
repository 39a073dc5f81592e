#include "sandbox/guest/init/reaper.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace caisson::guest {
namespace {

std::uint64_t read_counter(const char* path, std::string_view name) {
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return 0;
  char text[16 * 1024];  // /proc/vmstat has about 5 KiB
  const ssize_t got = ::read(file.get(), text, sizeof(text));
  const std::string_view all(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  const auto at = all.find(name);
  std::uint64_t value = 0;
  if (at != std::string_view::npos) {
    std::from_chars(all.data() + at + name.size(), all.data() + all.size(), value);
  }
  return value;
}

}  // namespace

void Reaper::collect() {
  for (;;) {
    int status = 0;
    rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
    if (pid <= 0) return;
    const auto micros = [](const timeval& time) {
      return static_cast<Micros>(time.tv_sec) * 1000000 + time.tv_usec;
    };
    deaths_.push_back({pid, status, micros(usage.ru_utime) + micros(usage.ru_stime),
                       static_cast<std::uint64_t>(usage.ru_maxrss) * 1024});
  }
}

const Death* Reaper::find(pid_t pid) const {
  for (const auto& death : deaths_) {
    if (death.pid == pid) return &death;
  }
  return nullptr;
}

std::uint64_t count_oom_kills() {
  // The last one counts for the whole machine but is always there; the first two are ours alone,
  // on cgroup v2 and v1.
  return read_counter("/sys/fs/cgroup/memory.events", "oom_kill ") +
         read_counter("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill ") +
         read_counter("/proc/vmstat", "oom_kill ");
}

namespace {

bool insert_sorted(std::vector<pid_t>& set, pid_t pid) {
  const auto place = std::lower_bound(set.begin(), set.end(), pid);
  if (place != set.end() && *place == pid) return false;
  set.insert(place, pid);
  return true;
}

}  // namespace

bool stop_everybody() {
  return ::getpid() == 1 && ::kill(-1, SIGSTOP) == 0;
}

bool stop_round(const std::vector<pid_t>& pids, std::vector<pid_t>& stopped) {
  bool found = false;
  for (const pid_t pid : pids) {
    if (!insert_sorted(stopped, pid)) continue;
    ::kill(pid, SIGSTOP);
    found = true;
  }
  return found;
}

void kill_round(const std::vector<pid_t>& pids, std::vector<pid_t>& killed) {
  for (const pid_t pid : pids) {
    ::kill(pid, SIGKILL);
    insert_sorted(killed, pid);
  }
}

}  // namespace caisson::guest
