// How many sandboxes a host takes: a pure function of what runs and what is allowed.
#pragma once

#include <cstdint>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/session/sandbox_dir.h"

namespace caisson {

struct Admission {
  std::size_t max_sandboxes = 256;
  // The most that all containers together may come to use, by their limits. A container's limit
  // counts each checkpoint as a whole copy, which it rarely becomes: twice the host's memory is a
  // bound that holds in practice. 0: no bound.
  std::uint64_t memory_bytes = 0;
};

// Error: unavailable, with what to do.
Result<void> admit(const std::vector<SandboxFacts>& there, std::uint64_t memory_bytes,
                   const Admission& limits);

// Of this machine, or of the cgroup that we are in when that has less. 0: not known.
std::uint64_t host_memory_bytes();

}  // namespace caisson
