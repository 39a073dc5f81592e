#include "sandbox/guest/init/block_clock.h"

#include <algorithm>

namespace caisson::guest {
namespace {

// Finer than any limit that a policy sets, and rare enough that a look at /proc does not matter.
constexpr Micros finest_check = 2000;

}  // namespace

void BlockClock::start(Instant now, Limits limits) {
  since_ = now;
  used_ = {};
  limits_ = limits;
  pauses_ = 0;
}

void BlockClock::pause(Instant now) {
  if (pauses_++ > 0) return;
  used_.wall += now.wall - since_.wall;
  used_.cpu += std::max<Micros>(0, now.cpu - since_.cpu);
}

void BlockClock::resume(Instant now) {
  if (pauses_ == 0 || --pauses_ > 0) return;
  since_ = now;
}

Micros BlockClock::wall(Micros now) const {
  return used_.wall + (pauses_ > 0 ? 0 : now - since_.wall);
}

Micros BlockClock::cpu(Micros cpu_now) const {
  return used_.cpu + (pauses_ > 0 ? 0 : std::max<Micros>(0, cpu_now - since_.cpu));
}

BlockClock::Due BlockClock::due(Instant now) const {
  if (pauses_ > 0) return Due::nothing;
  if (limits_.wall != never && wall(now.wall) >= limits_.wall) return Due::wall;
  if (limits_.cpu != never && cpu(now.cpu) >= limits_.cpu) return Due::cpu;
  return Due::nothing;
}

Micros BlockClock::wall_deadline(Micros now) const {
  if (pauses_ > 0 || limits_.wall == never) return never;
  return now + std::max<Micros>(0, limits_.wall - wall(now));
}

Micros BlockClock::next_cpu_check(Instant now, int processors) const {
  if (!wants_cpu()) return never;
  const Micros left = (limits_.cpu - cpu(now.cpu)) / processors;
  return now.wall + std::max(finest_check, left);
}

}  // namespace caisson::guest
