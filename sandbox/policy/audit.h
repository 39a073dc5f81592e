// A policy for watching what a workload wants, `policy learn`: what its policy would deny, and what
// another one could allow, is let through and told. No YAML says so; it is for code that its owner
// trusts.
#pragma once

#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"

namespace caisson {

struct AuditPolicy {
  Policy policy;  // of `parent`: more time and memory, guidance only records, no checkpoints
  CompiledPolicy compiled;  // its filter lets through what can be learnt; audit is set
};

// Still denied: what no policy can allow (ptrace, mount, bpf, namespaces, other architectures …),
// and the network, which is a decision and not a habit. /proc and /sys stay hidden. Errors: those
// of compile().
Result<AuditPolicy> make_audit_policy(const Policy& parent);

// Whether a policy like `parent` can allow this call, and the line that would.
struct Learnable {
  enum class How { syscall, exec, write_and_execute, never };
  How how = How::never;
  std::string why_not;  // of never
};
Learnable learnable(const Policy& parent, const std::string& call);

}  // namespace caisson
