// When to ask a model server again. Pure functions of what it answered, a time and a random number.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "sandbox/base/deadline.h"

namespace caisson {

// What a server says about asking again.
struct RetryAdvice {
  std::optional<bool> should_retry;  // x-should-retry
  std::optional<Millis> after;       // retry-after-ms, retry-after: seconds or an HTTP date
};
struct RetryHeaders {
  std::string_view should_retry;
  std::string_view after_ms;
  std::string_view after;
};
// Headers that make no sense are as if they were not there.
RetryAdvice read_advice(const RetryHeaders& headers, std::chrono::system_clock::time_point now);

// How long to wait before asking again after the attempt number `attempt` (0: the first), or
// nothing: do not ask again. `retryable` is what the failure itself says; the server's word goes
// before it. Waits as the official Python client does: what the server asks for, up to 120 s (we
// do not ask again when it wants more), else 0.5 s doubled each time, at most 8 s, less up to a
// quarter by `random` in [0, 1).
enum class Failure { may_pass, will_stay };
std::optional<Millis> retry_delay(unsigned attempt, Failure failure, const RetryAdvice& advice,
                                  double random);

// 408, 409, 429 and from 500 on may pass.
Failure failure_of_status(unsigned status);

}  // namespace caisson
