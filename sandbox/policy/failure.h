// Which line of a policy stands behind an error of the kernel, and behind the end of a block. Code
// that may not read a file sees "Permission denied", and no kernel says which layer it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/policy/compile.h"
#include "sandbox/policy/denial.h"
#include "sandbox/policy/policy.h"

namespace caisson {

// What an exception of the code says of itself; the guest may claim anything.
struct Failure {
  int error = 0;     // errno: EACCES, EROFS, ENOSPC, EMFILE, EFBIG, EAGAIN, ENOMEM
  std::string path;  // absolute; empty: the call had none
};

// A claim about a path is held against what the policy compiles to: what does not follow from it
// (another error, a path that the policy grants) is no denial of ours, and gives nothing. That a
// limit was reached is believed: code that raises MemoryError itself gets a record of it.
std::optional<DenialText> explain_failure(const Policy& policy, const CompiledPolicy& compiled,
                                          const Failure& failure);

enum class BlockLimit { wall, cpu, memory, output };

// A block that was ended for its limit. `shortened`: its caller had set a tighter one.
DenialText explain_end(const Policy& policy, BlockLimit limit, bool shortened);

}  // namespace caisson
