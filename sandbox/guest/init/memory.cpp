#include "sandbox/guest/init/memory.h"

#include <stdio.h>

#include <charconv>

#include "sandbox/guest/init/system.h"

namespace caisson::guest {
namespace {

// Neither file has more than about 2 KiB.
struct Text {
  Text(pid_t pid, const char* name) {
    char path[48];
    ::snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t got = file ? ::read(file.get(), bytes, sizeof(bytes)) : 0;
    text = {bytes, got > 0 ? static_cast<std::size_t>(got) : 0};
  }
  char bytes[4096];
  std::string_view text;
};

}  // namespace

std::uint64_t kilobytes_line(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return 0;
  const auto digit = text.find_first_not_of(" \t", at + name.size());
  std::uint64_t kilobytes = 0;
  if (digit != std::string_view::npos) {
    std::from_chars(text.data() + digit, text.data() + text.size(), kilobytes);
  }
  return kilobytes * 1024;
}

std::uint64_t resident_bytes(pid_t pid) {
  const Text status(pid, "status");
  return kilobytes_line(status.text, "\nRssAnon:") + kilobytes_line(status.text, "\nRssShmem:") +
         kilobytes_line(status.text, "\nVmSwap:");
}

std::uint64_t proportional_bytes(pid_t pid) {
  const Text rollup(pid, "smaps_rollup");
  const auto bytes = kilobytes_line(rollup.text, "\nPss_Anon:") +
                     kilobytes_line(rollup.text, "\nPss_Shmem:") +
                     kilobytes_line(rollup.text, "\nSwapPss:");
  return bytes > 0 ? bytes : resident_bytes(pid);
}

}  // namespace caisson::guest
