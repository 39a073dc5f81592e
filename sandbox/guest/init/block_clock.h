// Wall and CPU time of one block, which `pause` stops. No system calls: the caller says what the
// time is and how much CPU time the context has used since any fixed moment.
#pragma once

#include "sandbox/guest/init/system.h"

namespace caisson::guest {

struct Instant {
  Micros wall = 0;
  Micros cpu = 0;
};

class BlockClock {
 public:
  enum class Due { nothing, wall, cpu };

  struct Limits {  // `never`: none
    Micros wall = never;
    Micros cpu = never;
  };

  void start(Instant now, Limits limits);
  const Limits& limits() const { return limits_; }
  // These nest.
  void pause(Instant now);
  void resume(Instant now);

  Micros wall(Micros now) const;
  Micros cpu(Micros cpu_now) const;
  bool wants_cpu() const { return limits_.cpu != never && pauses_ == 0; }
  Due due(Instant now) const;
  Micros wall_deadline(Micros now) const;
  // When the CPU clock has to be read again: `processors` of them can't use up the rest sooner.
  Micros next_cpu_check(Instant now, int processors) const;

 private:
  Instant since_;  // start of the stretch that is not paused
  Instant used_;   // in stretches before it
  Limits limits_;
  unsigned pauses_ = 0;
};

}  // namespace caisson::guest
