// What one policy grants that another does not. Of system calls the compiled filters are asked, of
// paths the compiled Landlock rules; of the rest the leaves, each of which has a direction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"

namespace caisson {

struct Difference {
  enum class Kind { grants, revokes, changes };  // of the second policy against the first
  Kind kind = Kind::changes;
  std::string leaf;  // "resources.memory.max"; of a call "syscalls"
  std::string text;  // "memory of the code: 512Mi -> 1Gi", "socket(AF_INET)"
  std::string rule;  // the leaf of the second policy with its line; of what it revokes too
  bool operator==(const Difference&) const = default;
};

struct CheckedPair {
  const Policy& policy;
  const CompiledPolicy& compiled;
};

// Empty: they allow the same. Errors: bad_input (a filter that is none).
Result<std::vector<Difference>> diff(const CheckedPair& from, const CheckedPair& to);

// Whether `to` is looser than `from` in anything.
bool is_looser(const std::vector<Difference>& differences);

// How a greater value of a leaf counts: of numbers and of the words of a choice, in the order of
// policies/README.md. Nothing: no such leaf.
enum class Direction {
  looser,     // more is looser
  tighter,    // more is tighter
  neutral,    // another value is a difference, and neither
  pinned,     // another value than one that was set is looser: nobody knows what it brings
  mask,       // of permissions that are taken away: one bit less is looser
  elements,   // a list or map: its elements are compared one by one
  by_kernel,  // compared by what it compiles to
};
std::optional<Direction> direction_of(std::string_view leaf);

}  // namespace caisson
