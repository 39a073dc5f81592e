// What becomes of each system call under a policy, before anything is compiled: the one table that
// the outer filter, the inner filter, `show` and the explanations are made from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/policy/compile.h"

namespace caisson {

// (args[arg] & mask) == value. Arguments that the kernel takes as 32 bits are compared as such:
// their upper half can be anything.
struct ArgTest {
  unsigned arg = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  bool operator==(const ArgTest&) const = default;
};
using ArgTests = std::vector<ArgTest>;  // all of them hold

struct CallPlan {
  enum class Action {
    allow,
    conditional,  // allowed when one of `allowed_when` holds, else as the policy's on_deny
    mediated,     // init decides: `mediation`, `error`
    denied,       // as the policy's on_deny
    quiet,        // `error` without a word
    missing,      // ENOSYS
  };
  int number = 0;
  std::string name;
  Action action = Action::denied;
  std::vector<ArgTests> allowed_when;
  std::vector<ArgTests> quiet_when;  // conditional: these get `error` without a word
  int error = 0;                     // errno of a denial
  Mediation mediation = Mediation::refuse;
  bool operator==(const CallPlan&) const = default;
};

// One for each call that libseccomp knows, by rising number. Names in the policy that nobody knows
// are left out: check() has refused them.
std::vector<CallPlan> plan_syscalls(const Policy& policy);

}  // namespace caisson
