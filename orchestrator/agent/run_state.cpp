#include "orchestrator/agent/run_state.h"

namespace caisson {

RunState fold(RunState state, const EventBody& event) {
  if (const auto* start = std::get_if<StartEvent>(&event)) {
    state.question = start->user_input;
  } else if (std::holds_alternative<LlmRequestEvent>(event)) {
    ++state.iterations;
  } else if (const auto* usage = std::get_if<LlmUsageEvent>(&event)) {
    state.tokens += usage->prompt_tokens + usage->completion_tokens;
  } else if (std::holds_alternative<NudgeEvent>(event)) {
    ++state.nudges_in_a_row;
  } else if (std::holds_alternative<CodeExecutionEvent>(event)) {
    state.nudges_in_a_row = 0;
  } else if (const auto* result = std::get_if<ResultEvent>(&event)) {
    ++state.blocks;
    if (result->outcome.status != Status::ok) ++state.failed_blocks;
    state.execution += result->outcome.usage.wall;
  } else if (const auto* stop = std::get_if<StopEvent>(&event)) {
    state.stopped = true;
    state.reason = stop->reason;
  }
  return state;
}

}  // namespace caisson
