// Where a run stands. Not kept by the steps but folded from the run's events, so that whoever has
// the events has the state too.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "orchestrator/agent/events.h"

namespace caisson {

struct RunState {
  std::string question;
  std::uint32_t iterations = 0;  // how often the model has been asked
  std::uint32_t blocks = 0;      // that have ended
  std::uint32_t failed_blocks = 0;
  std::uint32_t nudges_in_a_row = 0;
  std::uint64_t tokens = 0;  // prompts and replies
  std::chrono::microseconds execution{};
  bool stopped = false;
  StopReason reason = StopReason::final_answer;  // when stopped
  bool operator==(const RunState&) const = default;
};

// The state after one more event.
RunState fold(RunState state, const EventBody& event);

}  // namespace caisson
