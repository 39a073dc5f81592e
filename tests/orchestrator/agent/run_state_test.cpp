#include "orchestrator/agent/run_state.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(RunState, IsTheFoldOfTheEvents) {
  Outcome failed;
  failed.status = Status::timeout_wall;
  failed.usage.wall = std::chrono::milliseconds(5);
  RunState state;
  for (const EventBody& event : std::initializer_list<EventBody>{
           StartEvent{"q"}, LlmRequestEvent{}, LlmUsageEvent{100, 10, false}, NudgeEvent{"n"},
           LlmRequestEvent{}, CodeExecutionEvent{}, ResultEvent{failed, ""},
           StopEvent{StopReason::max_iterations, "", ""}}) {
    state = fold(std::move(state), event);
  }
  RunState expected;
  expected.question = "q";
  expected.iterations = 2;
  expected.blocks = 1;
  expected.failed_blocks = 1;
  expected.tokens = 110;
  expected.execution = std::chrono::milliseconds(5);
  expected.stopped = true;
  expected.reason = StopReason::max_iterations;
  EXPECT_EQ(state, expected);
}

TEST(RunState, NudgesInARowAreForgottenWhenABlockRuns) {
  auto state = fold(fold({}, NudgeEvent{}), NudgeEvent{});
  EXPECT_EQ(state.nudges_in_a_row, 2U);
  EXPECT_EQ(fold(state, CodeExecutionEvent{}).nudges_in_a_row, 0U);
}

}  // namespace
}  // namespace caisson
