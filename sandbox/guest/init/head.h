// The process that runs the blocks of a context, seen from init.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>

#include "sandbox/guest/init/pair.h"
#include "sandbox/guest/init/system.h"

namespace caisson::guest {

// oom_score_adj of what waits and sleeps, from that of a process that runs a block. The kernel adds
// to it the share of the container's memory that a process has, in thousandths. A checkpoint has at
// most half of it, so 500 less keep it from being taken before the smallest process of a block.
inline constexpr std::int32_t resting(std::int32_t running) {
  return running > 500 ? running - 500 : 0;
}

struct Head {
  // `pid` has said `opened`. Opens what is read at the end of each block.
  void begin(pid_t pid);
  // While a block runs, the kernel's choice when memory is short is this process and what it
  // starts, before the zygote and the checkpoints.
  void stand_in_front(bool yes);
  // Its own CPU time and that of its threads.
  Micros cpu() const;
  struct Memory {
    std::uint64_t peak_bytes = 0;    // most that it ever had resident; 0: it cannot be read
    std::uint64_t shared_bytes = 0;  // of it now, mapped as shared
    std::uint64_t threads = 0;
  };
  Memory memory() const;

  pid_t pid = 0;  // 0 until it is known
  Pair pair;
  bool has_cpu_clock = false;
  clockid_t cpu_clock = 0;
  Fd status;     // /proc/<pid>/status
  Fd oom_score;  // /proc/<pid>/oom_score_adj
  std::int32_t oom_score_running = 0;
};

}  // namespace caisson::guest
