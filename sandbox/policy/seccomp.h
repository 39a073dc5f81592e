// Plans of system calls -> what the kernel and the container runtimes take. seccomp.cpp is the only
// file that uses libseccomp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/policy/plan.h"

namespace caisson {

// The filter of the sandboxed processes as struct sock_filter[]. Foreign architectures and x32 are
// killed, numbers that nobody knows get ENOSYS. Errors: bad_policy (libseccomp refuses).
Result<std::vector<std::uint8_t>> make_inner_filter(const Policy& policy,
                                                    const std::vector<CallPlan>& plan);

// How init answers what that filter hands to it, by rising number.
std::vector<NotifiedCall> notified_calls(const Policy& policy, const std::vector<CallPlan>& plan);

// The container's own filter. It must let pass what the inner one explains, because the verdict of
// the outer one would win, and what init itself needs.
struct OuterProfile {
  std::string oci;
  std::string docker;
};
OuterProfile make_outer_profile(const Policy& policy, const std::vector<CallPlan>& plan);

}  // namespace caisson
