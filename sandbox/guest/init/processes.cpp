#include "sandbox/guest/init/processes.h"

#include <stdio.h>
#include <sys/syscall.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace caisson::guest {
namespace {

struct DirEntry {  // struct linux_dirent64, which no header of the C library declares
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
  char name[1];
};

std::string_view read_at(int directory, const char* path, char* buffer, std::size_t size) {
  const Fd file(::openat(directory, path, O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  const ssize_t got = ::read(file.get(), buffer, size);
  return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
}

bool next_number(std::string_view& text, std::uint64_t& value) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  // -1 is a value here (no terminal); its size does not matter to us.
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

bool Kin::is_protected(pid_t pid) const {
  return pid == zygote || std::find(helpers.begin(), helpers.end(), pid) != helpers.end() ||
         std::any_of(sleepers.begin(), sleepers.end(),
                     [pid](const Sleeper& each) { return each.pid == pid; });
}

bool parse_stat(std::string_view text, Process& process) {
  std::uint64_t value = 0;
  if (!next_number(text, value)) return false;
  process.pid = static_cast<pid_t>(value);
  // The name may hold anything, parentheses and spaces too: fields begin behind the last one.
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 3 > text.size()) return false;
  process.state = text[name_end + 2];
  text.remove_prefix(name_end + 3);
  // Fields 4 to 22 of proc(5).
  std::uint64_t fields[19] = {};
  for (auto& field : fields) {
    if (!next_number(text, field)) return false;
  }
  process.parent = static_cast<pid_t>(fields[0]);
  process.session = static_cast<pid_t>(fields[2]);
  process.cpu = static_cast<Micros>(fields[10] + fields[11]);
  process.children_cpu = static_cast<Micros>(fields[12] + fields[13]);
  process.threads = static_cast<std::int64_t>(fields[16]);
  process.start = fields[18];
  return true;
}

Processes::Processes()
    : proc_(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      loadavg_(::open("/proc/loadavg", O_RDONLY | O_CLOEXEC)),
      tick_(1000000 / std::max(1L, ::sysconf(_SC_CLK_TCK))),
      self_(::getpid()) {}

std::optional<Process> Processes::read(pid_t pid) const {
  char path[32];
  char text[1024];
  ::snprintf(path, sizeof(path), "%d/stat", pid);
  Process process;
  if (!parse_stat(read_at(proc_.get(), path, text, sizeof(text)), process)) return std::nullopt;
  process.cpu *= tick_;
  process.children_cpu *= tick_;
  return process;
}

std::optional<pid_t> Processes::thread_group(pid_t thread) const {
  char path[32];
  char text[1024];
  ::snprintf(path, sizeof(path), "%d/status", thread);
  const auto status = read_at(proc_.get(), path, text, sizeof(text));
  const auto line = status.find("\nTgid:\t");
  if (line == std::string_view::npos) return std::nullopt;
  auto rest = status.substr(line + 7);
  std::uint64_t value = 0;
  if (!next_number(rest, value)) return std::nullopt;
  return static_cast<pid_t>(value);
}

std::uint64_t Processes::ticks_now() const {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return static_cast<std::uint64_t>(to_micros(time) / tick_);
}

std::uint64_t Processes::last_pid() const {
  if (!last_pid_works_) return 0;
  char text[128];
  const ssize_t got = ::pread(loadavg_.get(), text, sizeof(text), 0);
  const std::string_view line(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  const auto blank = line.rfind(' ');
  if (blank == std::string_view::npos) return 0;
  auto number = line.substr(blank);
  std::uint64_t value = 0;
  return next_number(number, value) ? value : 0;
}

void Processes::check_last_pid(pid_t child) {
  last_pid_works_ = true;
  // On a machine of many processes somebody else may have forked since; in a container not.
  const auto last = last_pid();
  last_pid_works_ = last >= static_cast<std::uint64_t>(child);
}

void Processes::read_numbers(std::vector<pid_t>& pids) {
  alignas(DirEntry) char buffer[32 * 1024];
  ::lseek(proc_.get(), 0, SEEK_SET);
  for (;;) {
    const long got = ::syscall(SYS_getdents64, proc_.get(), buffer, sizeof(buffer));
    if (got <= 0) return;
    for (long at = 0; at < got;) {
      std::uint16_t length = 0;
      std::memcpy(&length, buffer + at + offsetof(DirEntry, length), sizeof(length));
      const char* name = buffer + at + offsetof(DirEntry, name);
      pid_t pid = 0;
      const auto [end, error] = std::from_chars(name, name + std::strlen(name), pid);
      if (error == std::errc() && *end == '\0') pids.push_back(pid);
      at += length;
    }
  }
}

std::size_t Processes::count() {
  std::vector<pid_t> pids;
  read_numbers(pids);
  return pids.size();
}

bool Processes::scan(const Kin& kin) {
  if (!proc_) return false;
  known_.clear();
  for (const auto& process : processes_) {
    if (process.owner > 0) known_.push_back({process.pid, process.start, process.owner});
  }
  std::vector<pid_t> pids;
  read_numbers(pids);
  std::sort(pids.begin(), pids.end());
  processes_.clear();
  for (const pid_t pid : pids) {
    if (const auto process = read(pid)) processes_.push_back(*process);
  }
  for (auto& process : processes_) process.owner = owner_of(process, kin);
  return true;
}

const Process* Processes::find(pid_t pid) const {
  const auto at =
      std::lower_bound(processes_.begin(), processes_.end(), pid,
                       [](const Process& process, pid_t wanted) { return process.pid < wanted; });
  return at != processes_.end() && at->pid == pid ? &*at : nullptr;
}

// The table's entry, or what /proc says now: a process may have come after the numbers were read.
std::optional<Process> Processes::look_up(pid_t pid) const {
  if (const auto* known = find(pid)) return *known;
  return read(pid);
}

int Processes::owner_of(const Process& process, const Kin& kin) const {
  if (kin.is_protected(process.pid)) return owner_none;
  Process at = process;
  // Parents change while /proc is read: the chain may break, or turn in a circle.
  for (int depth = 0; depth < 10000; ++depth) {
    if (at.pid == self_ || at.pid == kin.zygote) return owner_none;
    for (const auto& family : kin.families) {
      if (at.pid == family.head) return family.context;
    }
    for (const auto& sleeper : kin.sleepers) {
      if (at.pid == sleeper.pid) return sleeper.context;
    }
    if (at.parent == self_) break;
    // Not below init: put into our PID namespace from outside, or we are not PID 1 (tests).
    if (at.parent == 0) return owner_none;
    if (const auto parent = look_up(at.parent)) {
      at = *parent;
      continue;
    }
    // The parent has ended since: by now there is another one.
    const auto again = read(at.pid);
    if (!again) return owner_none;
    at = *again;
  }
  for (const auto* who : {&static_cast<const Process&>(at), &process}) {
    for (const auto& family : kin.families) {
      if (family.head != 0 && who->session == family.head) return family.context;
    }
    for (const auto& known : known_) {
      if (known.pid == who->pid && known.start == who->start) return known.owner;
    }
  }
  return owner_unknown;
}

}  // namespace caisson::guest
