// Refused system calls of one block, so that a loop of them is a few records and not a flood.
// No I/O.
#pragma once

#include <cstdint>
#include <vector>

#include "sandbox/wire/message.h"

namespace caisson::guest {

class Denials {
 public:
  // Calls that are told apart by number and first two arguments; beyond so many, by number only.
  static constexpr std::size_t max_distinct = 64;
  static constexpr std::size_t max_numbers = 64;

  // True when this one should be reported now; the others are counted.
  bool add(const wire::DeniedCall& call);
  // What has been counted but not reported, to be sent when the block ends; begins anew.
  std::vector<wire::DeniedCall> take();

 private:
  std::vector<wire::DeniedCall> distinct_;  // `count` is what take() still has to tell
  std::vector<wire::DeniedCall> by_number_;
};

}  // namespace caisson::guest
