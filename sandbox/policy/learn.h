// What was seen of a workload -> a policy under which it runs: a few lines over the policy that it
// was watched under, for somebody to read. A pure function.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"

namespace caisson {

// How often something was wanted, and by what first: "block 1, line 3".
struct Wanted {
  std::uint64_t count = 0;
  std::string first;
  void add(std::uint64_t more, const std::string& by) {
    if (count == 0) first = by;
    count += more;
  }
};

struct Observed {
  std::map<std::string, Wanted> calls;    // that the parent's filter would have denied
  std::map<std::string, Wanted> reads;    // files that were opened
  std::map<std::string, Wanted> writes;   // the same, to change them
  std::map<std::string, Wanted> modules;  // of python.deny
  std::map<std::string, Wanted> events;   // of python.events
  std::map<std::string, Wanted> limits;   // leaves of limits that it ran into: "resources.pids.max"
  std::chrono::milliseconds wall{};       // of the longest block
  std::chrono::milliseconds cpu{};
  std::uint64_t memory_bytes = 0;  // the most that was resident
  std::uint64_t output_bytes = 0;  // of the block that wrote most
  std::size_t blocks = 0;
};

struct Learnt {
  std::string yaml;    // a whole policy that extends `parent`
  bool needs = false;  // it says anything beyond the parent
};

// `parent` as the new policy is to name it (a bundled name, or a path); `image`: for runtime.image,
// empty: none.
Learnt learn(const Policy& policy, const CompiledPolicy& compiled, const std::string& parent,
             const std::string& image, const Observed& observed);

}  // namespace caisson
