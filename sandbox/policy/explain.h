// What a policy answers to a question, and why. Of what a kernel enforces the compiled artefacts
// are asked: the very filter is run, the very Landlock rules are walked, so that an explanation
// cannot drift from what is enforced.
#pragma once

#include <string>

#include "sandbox/base/result.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"
#include "sandbox/policy/question.h"

namespace caisson {

struct Explanation {
  enum class Verdict { allow, deny, limit };
  std::string question;  // Question::text
  Verdict verdict = Verdict::deny;
  std::string layer;  // seccomp, landlock, mount, egress, python, cgroup, rlimit, init
  std::string error;  // of a denial: "EPERM", "ENOSYS", "SIGSYS", "ImportError", "HTTP 403"
  std::string value;  // of a limit: "512Mi"
  std::string rule;   // "network.mode: none (builtin:strict:36)"
  std::string sees;   // what the code gets, or the model reads
  std::string fix;    // for the operator: what would change the answer; empty: nothing can
  bool operator==(const Explanation&) const = default;
};

// Errors: bad_input (a limit that no policy has: those there are).
Result<Explanation> explain(const Policy& policy, const CompiledPolicy& compiled,
                            const Question& question);

}  // namespace caisson
