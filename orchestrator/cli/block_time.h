// --timeout: the wall-clock limit of each block, within what the policy grants.
#pragma once

#include <chrono>
#include <string>

#include "sandbox/base/result.h"
#include "sandbox/policy/policy.h"

namespace caisson {

// What the flag says as "500ms", "10s", "2m", "1h"; empty is zero: the policy's own limit holds. A
// command may only tighten a policy, so more than its time.block is refused and not cut in silence.
// Error: bad_input, with the policy's line.
Result<std::chrono::milliseconds> parse_block_time(const std::string& flag, const Policy& policy);

}  // namespace caisson
