#include "orchestrator/agent/workflow.h"

#include <gtest/gtest.h>

#include "tests/support/run_coro.h"

namespace caisson {
namespace {

namespace asio = boost::asio;

// Steps of every shape that the tests below need.
struct Steps {
  asio::awaitable<InputEvent> begin(StartEvent, RunContext&) { co_return InputEvent{}; }
  asio::awaitable<StopEvent> end(InputEvent, RunContext& run) {
    run.context.set("runs", run.context.get("runs", 0).get<int>() + 1);
    co_return StopEvent{StopReason::final_answer, "done", ""};
  }
  asio::awaitable<CodeExecutionEvent> to_code(InputEvent, RunContext&) {
    co_return CodeExecutionEvent{};
  }
  asio::awaitable<InputEvent> to_input(CodeExecutionEvent, RunContext&) { co_return InputEvent{}; }
  asio::awaitable<StopEvent> code_to_end(CodeExecutionEvent, RunContext&) { co_return StopEvent{}; }
  asio::awaitable<StartEvent> again(InputEvent, RunContext&) { co_return StartEvent{}; }
  asio::awaitable<InputEvent> after_stop(StopEvent, RunContext&) { co_return InputEvent{}; }
};

std::string problems(const Workflow& workflow) {
  const auto valid = workflow.validate();
  return valid ? "" : valid.error().message;
}

void expect_problem(const Workflow& workflow, const std::string& problem) {
  EXPECT_NE(problems(workflow).find(problem), std::string::npos)
      << "wanted: " << problem << "\ngot: " << problems(workflow);
}

TEST(Workflow, S6_StepsFollowTheEventsThatTheyProduce) {
  Steps steps;
  Workflow workflow;
  workflow.add("begin", steps, &Steps::begin);
  workflow.add("end", steps, &Steps::end);
  EXPECT_EQ(problems(workflow), "");
  asio::io_context loop(1);
  EventLog log(loop.get_executor(), "r", {});
  Context context;
  RunContext run{log, context, Deadline::never()};
  const auto stop = test::run_coro(loop, workflow.run(StartEvent{"q"}, run));
  EXPECT_EQ(stop.result, "done");
  ASSERT_EQ(log.events().size(), 3U);
  EXPECT_EQ(json_type(log.events()[1].body), "input");
}

TEST(Workflow, S78_ContextKeepsValuesOverRuns) {
  Steps steps;
  Workflow workflow;
  workflow.add("begin", steps, &Steps::begin);
  workflow.add("end", steps, &Steps::end);
  asio::io_context loop(1);
  Context context;
  EXPECT_EQ(context.get("runs", "none"), "none");
  for (int i = 0; i < 2; ++i) {
    EventLog log(loop.get_executor(), "r", {});
    RunContext run{log, context, Deadline::never()};
    test::run_coro(loop, workflow.run(StartEvent{"q"}, run));
  }
  EXPECT_EQ(context.get("runs"), 2);
}

TEST(Workflow, GraphNeedsAStartAndAStop) {
  expect_problem(Workflow(), "no step takes the StartEvent");
  expect_problem(Workflow(), "no step produces a StopEvent");
}

TEST(Workflow, EventThatNobodyTakesIsAnErrorWithItsStep) {
  Steps steps;
  Workflow workflow;
  workflow.add("begin", steps, &Steps::begin);
  expect_problem(workflow, "step 'begin' produces InputEvent, which no step takes");
}

TEST(Workflow, EventThatNobodyProducesIsAnErrorWithItsStep) {
  Steps steps;
  Workflow workflow;
  workflow.add("begin", steps, &Steps::begin);
  workflow.add("end", steps, &Steps::end);
  workflow.add("lonely", steps, &Steps::code_to_end);
  expect_problem(workflow, "step 'lonely' takes CodeExecutionEvent, which no step produces");
  expect_problem(workflow, "step 'lonely' cannot be reached from the StartEvent");
}

TEST(Workflow, TwoStepsForOneEventAreAnError) {
  Steps steps;
  Workflow workflow;
  workflow.add("begin", steps, &Steps::begin);
  workflow.add("end", steps, &Steps::end);
  workflow.add("other", steps, &Steps::end);
  expect_problem(workflow, "steps 'end' and 'other' both take InputEvent");
}

TEST(Workflow, TwoStepsOfOneNameAreAnError) {
  Steps steps;
  Workflow workflow;
  workflow.add("x", steps, &Steps::begin);
  workflow.add("x", steps, &Steps::end);
  expect_problem(workflow, "two steps are called 'x'");
}

TEST(Workflow, LoopWithoutAWayOutIsAnError) {
  Steps steps;
  Workflow workflow;
  workflow.add("begin", steps, &Steps::begin);
  workflow.add("one", steps, &Steps::to_code);
  workflow.add("two", steps, &Steps::to_input);
  expect_problem(workflow, "from step 'one' no StopEvent can be reached");
}

TEST(Workflow, StartIsNotProducedAndStopIsNotTaken) {
  Steps steps;
  Workflow workflow;
  workflow.add("begin", steps, &Steps::begin);
  workflow.add("again", steps, &Steps::again);
  workflow.add("after", steps, &Steps::after_stop);
  expect_problem(workflow, "step 'again' produces the StartEvent");
  expect_problem(workflow, "step 'after' takes the StopEvent");
}

TEST(Workflow, GraphIsPrintedAsMermaid) {
  Steps steps;
  Workflow workflow;
  workflow.add("begin", steps, &Steps::begin);
  workflow.add("end", steps, &Steps::end);
  EXPECT_EQ(workflow.mermaid(),
            "flowchart TD\n"
            "    begin[begin]\n"
            "    end[end]\n"
            "    StartEvent([StartEvent])\n"
            "    InputEvent([InputEvent])\n"
            "    StopEvent([StopEvent])\n"
            "    StartEvent --> begin\n"
            "    begin --> InputEvent\n"
            "    InputEvent --> end\n"
            "    end --> StopEvent\n");
}

}  // namespace
}  // namespace caisson
