// What a policy means for the host: contradictions, what we refuse to compile, and what is worth a
// second look.
#pragma once

#include <vector>

#include "sandbox/policy/finding.h"

namespace caisson {

// All findings, in the order of the policy's keys. With one of Severity::error, compile() fails.
// A pure function: paths are judged by their names, nothing is looked up on the host.
std::vector<Finding> check(const Policy& policy);

}  // namespace caisson
