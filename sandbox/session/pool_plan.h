// What a warm pool should do now: a pure function of its settings, its state and the time.
#pragma once

#include <optional>
#include <vector>

#include "sandbox/base/deadline.h"

namespace caisson {

struct PoolSettings {
  std::size_t size = 2;            // sandboxes that wait for somebody
  std::size_t starts_at_once = 1;  // starting one takes about a core
  Millis max_age{600000};          // of one that nobody takes; well below the policy's time.session
  // Nobody has taken one for so long: all of them go until somebody does. 0: they stay.
  Millis max_idle{0};
  Millis first_back_off{500};  // after a start that failed; doubled with each further one
  Millis max_back_off{60000};
  // Whoever has taken one sends it a block now, and a start takes a whole processor: the next one
  // begins so much later, while there are others to take.
  Millis breath{30};
};

struct PoolState {
  std::vector<Clock::time_point> ready;  // since when each one waits, the oldest first
  std::size_t starting = 0;
  std::size_t failures = 0;          // starts in a row that failed
  Clock::time_point last_failure{};  // of them
  Clock::time_point last_use{};      // the last take, or the beginning of the pool
};

struct PoolPlan {
  std::size_t expire = 0;  // so many of the oldest are to be closed
  std::size_t start = 0;
  Clock::time_point look_again = Clock::time_point::max();  // when time alone changes the plan
  bool operator==(const PoolPlan&) const = default;
};

PoolPlan plan_pool(const PoolSettings& settings, const PoolState& state, Clock::time_point now);

}  // namespace caisson
