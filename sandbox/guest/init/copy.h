// A copy of a head that sleeps, seen from init: a checkpoint, or a branch before it wakes.
//
// It is stopped with SIGSTOP as soon as it is there: whatever code has made it, it cannot run.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sandbox/guest/init/pair.h"
#include "sandbox/guest/init/system.h"

namespace caisson::guest {

// Body of the frame `asleep`, of the copy or, when it could not be made, of whom it should be of.
struct Asleep {
  std::uint32_t error = 0;     // errno
  std::uint32_t readable = 0;  // 1: it could not make itself undumpable
};

struct Copy {
  std::uint64_t number = 0;  // of the block after which the state was like this; 0: none
  Pair pair;
  pid_t pid = 0;  // 0 until it has said so itself
};

// What a copy that is being made will be.
struct Making {
  Copy copy;
  std::uint16_t branch = 0;  // the context that it becomes the head of; 0: a checkpoint
  pid_t parent = 0;          // a sleeper that was woken to make it, and is stopped again
  Micros give_up = never;
};

}  // namespace caisson::guest
