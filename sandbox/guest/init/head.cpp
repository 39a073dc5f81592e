#include "sandbox/guest/init/head.h"

#include <stdio.h>

#include <string_view>

#include "sandbox/guest/init/memory.h"

namespace caisson::guest {

void Head::begin(pid_t number) {
  pid = number;
  has_cpu_clock = ::clock_getcpuclockid(pid, &cpu_clock) == 0;
  char path[32];
  ::snprintf(path, sizeof(path), "/proc/%d/status", pid);
  status.reset(::open(path, O_RDONLY | O_CLOEXEC));
  ::snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
  oom_score.reset(::open(path, O_WRONLY | O_CLOEXEC));
}

void Head::stand_in_front(bool yes) {
  if (!oom_score || oom_score_running == 0) return;
  char text[16];
  const int size =
      ::snprintf(text, sizeof(text), "%d", yes ? oom_score_running : resting(oom_score_running));
  if (::pwrite(oom_score.get(), text, static_cast<std::size_t>(size), 0) < 0) oom_score.reset();
}

Micros Head::cpu() const {
  timespec time{};
  return has_cpu_clock && ::clock_gettime(cpu_clock, &time) == 0 ? to_micros(time) : 0;
}

Head::Memory Head::memory() const {
  char text[2048];
  const ssize_t got = status ? ::pread(status.get(), text, sizeof(text), 0) : 0;
  const std::string_view all(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  return {kilobytes_line(all, "\nVmHWM:"), kilobytes_line(all, "\nRssShmem:"),
          kilobytes_line(all, "\nThreads:") / 1024};
}

}  // namespace caisson::guest
