// How a run ends when it does not end with an answer, and what is done about bad replies.
#include <gtest/gtest.h>

#include "orchestrator/agent/agent.h"
#include "tests/orchestrator/agent/fakes.h"

namespace caisson {
namespace {

using test::Desk;
using test::FakeModel;
using test::FakeRunner;

TEST(Agent, D11_EmptyBlockIsToldToTheModelAndNotRun) {
  Desk desk;
  desk.model.turns = {"<execute>\n \n</execute>", "<execute>1</execute>", "One."};
  const auto asked = desk.ask("q");
  EXPECT_EQ(asked.stop.result, "One.");
  EXPECT_EQ(desk.runner.codes, std::vector<std::string>{"1"});
  EXPECT_EQ(asked.all<ParseProblemEvent>()[0].problem, "empty");
  EXPECT_NE(desk.model.requests[1].back().content.find("no code in it"), std::string::npos);
}

TEST(Agent, CutBlockIsToldToTheModelAndNotRun) {
  for (const auto end : {ReplyEnd::length, ReplyEnd::truncated}) {
    Desk desk;
    desk.model.turns = {{"<execute>\nfor i in range(10):\n    pri", end}, "Sorry."};
    const auto asked = desk.ask("q");
    EXPECT_TRUE(desk.runner.codes.empty());
    EXPECT_EQ(asked.all<ParseProblemEvent>()[0].problem, "truncated");
    EXPECT_EQ(asked.stop.result, "Sorry.");
  }
}

TEST(Agent, BlockOfAReplyWithLostEventsDoesNotRun) {
  Desk desk;
  desk.model.turns = {"<execute>rm()</execute>", "ok"};
  desk.model.turns[0].lost_events = 1;
  const auto asked = desk.ask("q");
  EXPECT_TRUE(desk.runner.codes.empty());
  EXPECT_EQ(asked.all<ParseProblemEvent>()[0].problem, "lost_events");
}

TEST(Agent, AnswerThatBrokeOffIsAskedForAgain) {
  Desk desk;
  desk.model.turns = {{"The answer i", ReplyEnd::truncated}, "The answer is 5."};
  EXPECT_EQ(desk.ask("q").stop.result, "The answer is 5.");
}

TEST(Agent, AnswerCutByTheTokenLimitSaysSo) {
  Desk desk;
  desk.model.turns = {{"The answer is", ReplyEnd::length}};
  const auto stop = desk.ask("q").stop;
  EXPECT_EQ(stop.reason, StopReason::final_answer);
  EXPECT_NE(stop.message.find("cut"), std::string::npos);
}

TEST(Agent, BadRepliesInARowEndTheRun) {
  Desk desk;
  desk.model.turns = {"", "<execute></execute>", "<execute>\nx = 1\n\nThis sets x."};
  const auto asked = desk.ask("q");
  EXPECT_EQ(asked.stop.reason, StopReason::format_errors);
  EXPECT_EQ(asked.all<NudgeEvent>().size(), 2U);
  for (const auto& message : desk.context.memory->messages()) EXPECT_FALSE(message.content.empty());
}

TEST(Agent, BlocksBetweenBadRepliesForgiveThem) {
  Desk desk;
  desk.model.turns = {"", "", "<execute>1</execute>", "", "", "Done."};
  EXPECT_EQ(desk.ask("q").stop.result, "Done.");
}

TEST(Agent, D10_IterationsAreLimitedAndTheModelKnowsHowManyAreLeft) {
  auto options = test::prompted();
  options.max_iterations = 4;
  Desk desk(options);
  for (int i = 0; i < 10; ++i) desk.model.turns.emplace_back("<execute>1</execute>");
  const auto asked = desk.ask("q");
  EXPECT_EQ(asked.stop.reason, StopReason::max_iterations);
  EXPECT_EQ(desk.model.requests.size(), 4U);
  EXPECT_NE(desk.model.requests[1].back().content.find("3 of 4 replies left"), std::string::npos);
  EXPECT_NE(desk.model.requests[3].back().content.find("last reply"), std::string::npos);
  EXPECT_EQ(asked.all<BudgetWarningEvent>().size(), 1U);
}

TEST(Agent, D10_TwentyIterationsByDefault) {
  Desk desk;
  for (int i = 0; i < 30; ++i) desk.model.turns.emplace_back("<execute>1</execute>");
  desk.ask("q");
  EXPECT_EQ(desk.model.requests.size(), 20U);
}

TEST(Agent, TokensAreLimited) {
  auto options = test::prompted();
  options.max_tokens = 200;
  Desk desk(options);
  for (int i = 0; i < 5; ++i) desk.model.turns.emplace_back("<execute>1</execute>");
  EXPECT_EQ(desk.ask("q").stop.reason, StopReason::max_tokens);
  EXPECT_EQ(desk.model.requests.size(), 2U);
}

TEST(Agent, ErrorOfTheModelEndsTheRunWithItsMessage) {
  Desk desk;
  desk.model.turns = {{Errc::unauthorized, "api.example.org refuses the key (401)"}};
  const auto asked = desk.ask("q");
  EXPECT_EQ(asked.stop.reason, StopReason::llm_error);
  EXPECT_EQ(asked.stop.message, "api.example.org refuses the key (401)");
  EXPECT_EQ(asked.all<ErrorEvent>()[0].where, "model");
}

TEST(Agent, ContextThatIsTooLongIsMadeShorterAndAskedAgain) {
  Desk desk;
  desk.model.turns = {"first answer"};
  desk.ask(std::string(4000, 'x'));
  desk.model.turns = {{Errc::too_large, "context length exceeded"}, "ok"};
  const auto asked = desk.ask("q");
  EXPECT_EQ(asked.stop.result, "ok");
  EXPECT_EQ(asked.all<CompactionEvent>().size(), 1U);
  EXPECT_LT(desk.model.requests[2].size(), desk.model.requests[1].size());
  EXPECT_EQ(desk.model.requests[2].back().content, "q");
}

TEST(Agent, RefusalAndContentFilterHaveTheirOwnReasons) {
  Desk desk;
  desk.model.turns = {"", "partly <execute>x</execute>"};
  desk.model.turns[0].refusal = "I can't help with that.";
  desk.model.turns[1].finish_reason = "content_filter";
  desk.model.chunk = 7;
  const auto refused = desk.ask("q").stop;
  EXPECT_EQ(refused.reason, StopReason::refused);
  EXPECT_EQ(refused.result, "I can't help with that.");
  EXPECT_EQ(desk.ask("q").stop.reason, StopReason::content_filter);
  EXPECT_TRUE(desk.runner.codes.empty());
}

TEST(Agent, LostSandboxEndsTheRun) {
  Desk desk;
  desk.model.turns = {"<execute>1</execute>"};
  desk.runner.outcomes = {
      FakeRunner::ended(Status::lost, StateChange::lost, "the container is gone")};
  const auto asked = desk.ask("q");
  EXPECT_EQ(asked.stop.reason, StopReason::sandbox_lost);
  EXPECT_EQ(asked.stop.message, "the container is gone");
}

TEST(Agent, ClosedSessionEndsTheRun) {
  Desk desk;
  desk.model.turns = {"<execute>1</execute>"};
  desk.runner.script = [](std::string, OutputSink&, ToolHost&) -> asio::awaitable<Result<Outcome>> {
    co_return Error(Errc::closed, "the session has ended");
  };
  const auto stop = desk.ask("q").stop;
  EXPECT_EQ(stop.reason, StopReason::sandbox_lost);
  EXPECT_EQ(stop.message, "the session has ended");
}

TEST(Agent, D10_CancellingEndsTheModelsReplyAndTheRun) {
  Desk desk;
  desk.model.turns = {"never said", "later"};
  desk.model.turns[0].hangs = true;
  auto work = [&]() -> asio::awaitable<void> {
    auto run = desk.agent.start(desk.loop.get_executor(), "q", desk.context, {});
    auto& log = (*run)->log();
    for (std::uint64_t next = 1; log.state().iterations == 0; ++next) co_await log.read(next);
    (*run)->cancel();
    const auto stop = co_await (*run)->finish();
    EXPECT_EQ(stop.reason, StopReason::cancelled);
    EXPECT_TRUE(log.closed());
    EXPECT_EQ(json_type(log.events().back().body), "stop");
  };
  test::run_coro(desk.loop, work());
  EXPECT_EQ(desk.ask("and now?").stop.result, "later");
}

TEST(Agent, CancellingBeforeTheFirstStepIsAStopToo) {
  Desk desk;
  auto work = [&]() -> asio::awaitable<void> {
    auto run = desk.agent.start(desk.loop.get_executor(), "q", desk.context, {});
    (*run)->cancel();
    const auto stop = co_await (*run)->finish();
    EXPECT_EQ(stop.reason, StopReason::cancelled);
  };
  test::run_coro(desk.loop, work());
}

TEST(Agent, S47_DeadlineEndsARunThatDoesNotEndByItself) {
  Desk desk;
  desk.model.turns = {"never said"};
  desk.model.turns[0].hangs = true;
  RunOptions options;
  options.deadline = Deadline::after(Millis(5));
  options.overrun = Millis(0);
  const auto asked = desk.ask("q", options);
  EXPECT_EQ(asked.stop.reason, StopReason::max_wall);
  EXPECT_EQ(json_type(asked.events.back().body), "stop");
}

TEST(Agent, DeadlineBetweenStepsEndsTheRunBeforeTheNextOne) {
  Desk desk;
  RunOptions options;
  options.deadline = Deadline::at(Clock::now());
  EXPECT_EQ(desk.ask("q", options).stop.reason, StopReason::max_wall);
  EXPECT_TRUE(desk.model.requests.empty());
}

TEST(Agent, FaultIsInTheLogAndRethrown) {
  Desk desk;
  desk.model.turns = {"<execute>1</execute>"};
  desk.runner.script = [](std::string, OutputSink&, ToolHost&) -> asio::awaitable<Result<Outcome>> {
    throw Fault("disk is full");
    co_return Outcome{};
  };
  auto work = [&]() -> asio::awaitable<void> {
    auto run = desk.agent.start(desk.loop.get_executor(), "q", desk.context, {});
    bool thrown = false;
    try {
      co_await (*run)->finish();
    } catch (const Fault&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    EXPECT_TRUE((*run)->log().closed());
    EXPECT_EQ((*run)->log().state().reason, StopReason::fault);
  };
  test::run_coro(desk.loop, work());
}

TEST(Agent, SinkThatFailsEndsTheRunAndNoReaderWaitsForever) {
  struct Broken final : EventSink {
    void event(const Event& event) override {
      if (event.sequence > 2) throw Fault("journal: no space");
    }
  } broken;
  Desk desk;
  desk.model.turns = {"ok"};
  auto work = [&]() -> asio::awaitable<void> {
    RunOptions options;
    options.sinks = {&broken};
    auto run = desk.agent.start(desk.loop.get_executor(), "q", desk.context, options);
    bool thrown = false;
    try {
      co_await (*run)->finish();
    } catch (const Fault&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    const auto* after_the_end = co_await (*run)->log().read(100);
    EXPECT_EQ(after_the_end, nullptr);
  };
  test::run_coro(desk.loop, work());
}

}  // namespace
}  // namespace caisson
