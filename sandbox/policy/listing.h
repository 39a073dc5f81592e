// Compiled filters as text, for people who sign off on them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "sandbox/base/result.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"

namespace caisson {

// One line an instruction: "  12  jeq #41, 13, 20".
std::string filter_text(std::span<const std::uint8_t> filter);

// One line a system call of x86-64: name, what becomes of it, and the policy's line that says so.
// The filter itself is asked. Error: bad_input (it is no filter).
Result<std::string> call_list(const Policy& policy, const CompiledPolicy& compiled);

}  // namespace caisson
