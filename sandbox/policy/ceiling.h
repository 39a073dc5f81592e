// The operator's bound: a policy that grants more in anything than another one is refused.
#pragma once

#include <string>

#include "sandbox/base/result.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"

namespace caisson {

// `ceiling` is a file or a bundled policy. Errors: bad_policy (a line for each thing that `policy`
// grants beyond it, with who said so), those of load_policy and compile for the ceiling itself.
Result<void> check_ceiling(const Policy& policy, const CompiledPolicy& compiled,
                           const std::string& ceiling);

}  // namespace caisson
