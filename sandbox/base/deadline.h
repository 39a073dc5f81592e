// A point in time by which something must be done. It is made once, at the edge, and handed down:
// every step gets what is left, never a fresh timeout.
#pragma once

#include <algorithm>
#include <chrono>

namespace caisson {

using Clock = std::chrono::steady_clock;
using Millis = std::chrono::milliseconds;

class Deadline {
 public:
  static Deadline never() { return Deadline(Clock::time_point::max()); }
  static Deadline at(Clock::time_point when) { return Deadline(when); }
  static Deadline after(Clock::duration time) {
    const auto now = Clock::now();
    return Deadline(time >= Clock::time_point::max() - now ? Clock::time_point::max() : now + time);
  }

  Clock::time_point when() const { return when_; }
  bool is_never() const { return when_ == Clock::time_point::max(); }
  bool passed(Clock::time_point now = Clock::now()) const { return now >= when_; }
  // Time left, never negative.
  Clock::duration left(Clock::time_point now = Clock::now()) const {
    return is_never() ? Clock::duration::max() : std::max(Clock::duration::zero(), when_ - now);
  }
  // The earlier of the two.
  Deadline sooner(Deadline other) const { return Deadline(std::min(when_, other.when_)); }

 private:
  explicit Deadline(Clock::time_point when) : when_(when) {}
  Clock::time_point when_;
};

}  // namespace caisson
