// Why a system call was refused: which rule of the policy, on which line, and what the code may do
// instead. The record's `subject` is for a person, so arguments that are names get names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/policy/policy.h"

namespace caisson {

struct DeniedSyscall {
  int number = 0;                       // x86-64
  std::array<std::uint64_t, 6> args{};  // as the kernel saw them; pointers are only numbers
  int error = 0;                        // errno that the caller got
};

struct DenialText {
  std::string layer;    // "seccomp"; see Denial in sandbox/session/outcome.h
  std::string subject;  // "socket(AF_INET, SOCK_STREAM, 0)"
  std::string error;    // "EPERM"
  std::string rule;     // "network.mode: none (builtin:strict:12)"
  std::string hint;     // one sentence for the model; never how to loosen the policy
  std::string fix;      // for the operator: what would change it; empty: nothing can
};

// What would let a system call through; empty: no policy can.
std::string fix_for_call(const std::string& call);

DenialText explain_denial(const Policy& policy, const DeniedSyscall& call);

// Why Python refused a module or an audit event in user code; nothing when the policy does not, or
// when it is no dotted name of at most 200 of [A-Za-z0-9_.]: a guest may claim anything.
std::optional<DenialText> explain_import(const Policy& policy, const std::string& module);
std::optional<DenialText> explain_event(const Policy& policy, const std::string& event);

// Why the host refuses the `count`th call of a block, which is for this tool; nothing when it does
// not.
std::optional<DenialText> explain_tool(const Policy& policy, const std::string& tool,
                                       std::uint64_t count);

}  // namespace caisson
