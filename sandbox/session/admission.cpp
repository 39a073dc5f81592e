#include "sandbox/session/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace caisson {
namespace {

std::string gib(std::uint64_t bytes) {
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1 << 30));
}

// A limit of a cgroup file; "max" and what is not there are none.
std::uint64_t limit_in(const char* file) {
  std::uint64_t bytes = 0;
  std::ifstream(file) >> bytes;
  return bytes;
}

}  // namespace

Result<void> admit(const std::vector<SandboxFacts>& there, std::uint64_t memory_bytes,
                   const Admission& limits) {
  constexpr auto advice =
      "wait until one ends, end a kept one (caisson sessions list, caisson sessions kill NAME)";
  if (there.size() >= limits.max_sandboxes) {
    return Error(Errc::unavailable, fmt::format("there are {} sandboxes already, and no more than "
                                                "{} are allowed: {}",
                                                there.size(), limits.max_sandboxes, advice));
  }
  std::uint64_t used = 0;
  for (const auto& each : there) used += each.memory_bytes;
  if (limits.memory_bytes == 0 || used + memory_bytes <= limits.memory_bytes) {
    return boost::system::in_place_value;
  }
  return Error(
      Errc::unavailable,
      fmt::format("a sandbox of {} does not fit: {} sandboxes may use {} already, of {} "
                  "that this host grants them: {}, or take a policy with less "
                  "resources.memory.max",
                  gib(memory_bytes), there.size(), gib(used), gib(limits.memory_bytes), advice));
}

std::uint64_t host_memory_bytes() {
  std::uint64_t bytes = 0;
  std::ifstream info("/proc/meminfo");
  for (std::string word; info >> word;) {
    if (word != "MemTotal:") continue;
    info >> bytes;
    bytes *= 1024;
    break;
  }
  for (const auto* file :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const auto limit = limit_in(file);
    if (limit > 0 && bytes > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

}  // namespace caisson
