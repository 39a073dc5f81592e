#include "sandbox/session/pool_plan.h"

#include <algorithm>

namespace caisson {
namespace {

Millis back_off(const PoolSettings& settings, std::size_t failures) {
  auto pause = settings.first_back_off;
  for (std::size_t i = 1; i < failures && pause < settings.max_back_off; ++i) pause *= 2;
  return std::min(pause, settings.max_back_off);
}

}  // namespace

PoolPlan plan_pool(const PoolSettings& settings, const PoolState& state, Clock::time_point now) {
  PoolPlan plan;
  if (settings.max_idle > Millis{}) {
    const auto idle_at = state.last_use + settings.max_idle;
    if (now >= idle_at) {
      plan.expire = state.ready.size();
      return plan;
    }
    plan.look_again = idle_at;
  }
  for (const auto since : state.ready) {
    if (now < since + settings.max_age) {
      plan.look_again = std::min(plan.look_again, since + settings.max_age);
      break;  // the others are younger
    }
    ++plan.expire;
  }
  const auto have = state.ready.size() - plan.expire + state.starting;
  // Too many: the size was more when they were started.
  if (have > settings.size) {
    plan.expire += std::min(have - settings.size, state.ready.size() - plan.expire);
    return plan;
  }
  if (have == settings.size || state.starting >= settings.starts_at_once) return plan;
  if (state.failures > 0) {
    const auto again = state.last_failure + back_off(settings, state.failures);
    if (now < again) {
      plan.look_again = std::min(plan.look_again, again);
      return plan;
    }
  }
  const auto quiet_until = state.last_use + settings.breath;
  if (now < quiet_until && state.ready.size() > plan.expire) {
    plan.look_again = std::min(plan.look_again, quiet_until);
    return plan;
  }
  // One alone shows whether it works again.
  const auto most = state.failures > 0 ? 1 : settings.starts_at_once;
  plan.start = std::min(settings.size - have, most - std::min(most, state.starting));
  return plan;
}

}  // namespace caisson
