// What a compiled filter says about a system call: the very bytes that the kernel gets, run in user
// space. Explanations and tests of policies use it, so they cannot drift from what is enforced.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "sandbox/base/result.h"

namespace caisson {

inline constexpr std::uint32_t arch_x86_64 = 0xC000003E;
inline constexpr std::uint32_t arch_i386 = 0x40000003;
inline constexpr std::uint32_t x32_call = 0x40000000;  // bit in the number of an x32 call

struct SyscallInput {
  std::uint32_t number = 0;
  std::array<std::uint64_t, 6> args{};
  std::uint32_t arch = arch_x86_64;
  std::uint64_t instruction_pointer = 0;
};

struct Verdict {
  enum class Kind { allow, error, notify, kill_process, kill_thread, trap, trace, log };
  Kind kind = Kind::kill_process;
  int error = 0;  // errno, with Kind::error
  bool operator==(const Verdict&) const = default;
};

std::string to_text(const Verdict& verdict);  // "allow", "errno 38", "notify", "kill"

// Errors: bad_input (no seccomp filter: an unknown instruction, a jump or a load out of bounds, no
// return).
Result<Verdict> evaluate(std::span<const std::uint8_t> filter, const SyscallInput& call);

}  // namespace caisson
