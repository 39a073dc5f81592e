// How often something may happen, on average and at once.
#pragma once

#include <algorithm>
#include <chrono>

#include "sandbox/base/deadline.h"

namespace caisson {

// A minute's worth at once, and then as many as the minute has.
class RateLimit {
 public:
  explicit RateLimit(unsigned per_minute) : per_minute_(per_minute), left_(per_minute) {}

  // False: not now.
  bool take(Clock::time_point now = Clock::now()) {
    const std::chrono::duration<double> passed = now - last_;
    last_ = now;
    left_ = std::min(per_minute_, left_ + passed.count() / 60 * per_minute_);
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  double per_minute_;
  double left_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace caisson
