// The process that runs the blocks of a context, seen from init. (A checkpoint will be the same
// thing, asleep.)
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>

#include "sandbox/guest/init/pair.h"
#include "sandbox/guest/init/system.h"

namespace caisson::guest {

struct Head {
  // `pid` has said `opened`. Opens what is read at the end of each block.
  void begin(pid_t pid);
  // Its own CPU time and that of its threads.
  Micros cpu() const;
  // Most memory that it ever had resident; 0 when that cannot be read.
  std::uint64_t peak_bytes() const;

  pid_t pid = 0;  // 0 until it is known
  Pair pair;
  bool has_cpu_clock = false;
  clockid_t cpu_clock = 0;
  Fd status;  // /proc/<pid>/status
};

}  // namespace caisson::guest
