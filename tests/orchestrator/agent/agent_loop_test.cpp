#include <gtest/gtest.h>

#include <boost/asio/redirect_error.hpp>

#include "orchestrator/agent/agent.h"
#include "tests/orchestrator/agent/fakes.h"

namespace caisson {
namespace {

using test::Desk;
using test::FakeRunner;

constexpr const char* block = "I add.\n<execute>\nsum(range(1, 11))\n</execute>";

TEST(Agent, S67_S70_S71_S73_S76_S86_S89_S90_S91_BlocksRunUntilAReplyHasNone) {
  Desk desk;
  desk.model.turns = {block, "The sum is 55."};
  desk.runner.outcomes = {FakeRunner::value("55")};
  const auto asked = desk.ask("Calculate the sum of all numbers from 1 to 10");
  EXPECT_EQ(asked.stop.reason, StopReason::final_answer);
  EXPECT_EQ(asked.stop.result, "The sum is 55.");
  EXPECT_EQ(desk.runner.codes, std::vector<std::string>{"sum(range(1, 11))"});
  EXPECT_EQ(asked.types(),
            "run_started input llm_request stream_delta llm_usage code result checkpoint input "
            "llm_request stream_delta llm_usage stop");
}

TEST(Agent, S6_S43_S61_S62_GraphHasTheArticlesStepsAndIsValid) {
  Desk desk;
  EXPECT_TRUE(desk.agent.workflow().validate());
  const auto graph = desk.agent.workflow().mermaid();
  for (const char* edge :
       {"StartEvent --> prepare_chat_history", "prepare_chat_history --> InputEvent",
        "InputEvent --> handle_llm_input", "handle_llm_input --> CodeExecutionEvent",
        "handle_llm_input --> StopEvent", "CodeExecutionEvent --> handle_code_execution",
        "handle_code_execution --> InputEvent"}) {
    EXPECT_NE(graph.find(edge), std::string::npos) << edge << "\n" << graph;
  }
}

TEST(Agent, S64_QuestionIsRequired) {
  Desk desk;
  for (const std::string& bad :
       {std::string(), std::string(" \n"), std::string("a\xff"), std::string("a\0b", 3)}) {
    const auto run = desk.agent.start(desk.loop.get_executor(), bad, desk.context, {});
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().code, Errc::bad_input);
    EXPECT_NE(run.error().message.find("user_input"), std::string::npos);
  }
}

TEST(Agent, S38_S68_DeltasAreTheReplyAndComeBeforeItEnds) {
  Desk desk;
  desk.model.turns = {block, "Done: 55."};
  const auto asked = desk.ask("q");
  std::string text;
  for (const auto& delta : asked.all<StreamEvent>()) text += delta.delta;
  EXPECT_EQ(text, std::string(block) + "Done: 55.");
  EXPECT_GT(asked.all<StreamEvent>().size(), 4U);
}

TEST(Agent, S56_S66_S75_OneSystemMessageLeadsEveryRequestAndMemoryHasNone) {
  Desk desk;
  desk.model.turns = {block, "55"};
  desk.ask("q");
  ASSERT_EQ(desk.model.requests.size(), 2U);
  for (const auto& request : desk.model.requests) {
    EXPECT_EQ(request[0], (Message{Role::system, "SYSTEM"}));
    for (std::size_t i = 1; i < request.size(); ++i) EXPECT_NE(request[i].role, Role::system);
  }
  for (const auto& message : desk.context.memory->messages()) {
    EXPECT_NE(message.role, Role::system);
  }
}

TEST(Agent, S69_S74_D9_ReplyAndObservationAreStoredAndTheUserSpeaksLast) {
  Desk desk;
  desk.model.turns = {block, "It is 55."};
  desk.runner.outcomes = {FakeRunner::value("55")};
  desk.ask("q");
  const auto stored = desk.context.memory->messages();
  ASSERT_EQ(stored.size(), 4U);
  EXPECT_EQ(stored[1], (Message{Role::assistant, block}));
  EXPECT_EQ(stored[2].role, Role::user);
  EXPECT_NE(stored[2].content.find("value:\n55\n"), std::string::npos);
  EXPECT_EQ(stored[3], (Message{Role::assistant, "It is 55."}));
  for (const auto& request : desk.model.requests) {
    EXPECT_EQ(request.back().role, Role::user);
    for (std::size_t i = 1; i < request.size(); ++i) {
      EXPECT_NE(request[i].role, request[i - 1].role);
    }
  }
}

TEST(Agent, S74_ArticlesFormOfTheObservationIsAnOption) {
  auto options = test::prompted();
  options.observation_role = Role::assistant;
  options.observation.style = ObservationStyle::plain;
  Desk desk(options);
  desk.model.turns = {block, "55"};
  desk.runner.outcomes = {FakeRunner::value("55")};
  desk.ask("q");
  EXPECT_EQ(desk.context.memory->messages()[2], (Message{Role::assistant, "\n\n55"}));
}

TEST(Agent, S72_CodeEventComesBeforeItsExecution) {
  Desk desk;
  desk.model.turns = {block, "55"};
  std::size_t code_events_when_run = 0;
  struct Counter final : EventSink {
    void event(const Event& event) override {
      if (std::holds_alternative<CodeExecutionEvent>(event.body)) ++codes;
    }
    std::size_t codes = 0;
  } counter;
  desk.runner.script = [&](std::string, OutputSink&,
                           ToolHost&) -> asio::awaitable<Result<Outcome>> {
    code_events_when_run = counter.codes;
    co_return FakeRunner::value("55");
  };
  RunOptions options;
  options.sinks = {&counter};
  desk.ask("q", options);
  EXPECT_EQ(code_events_when_run, 1U);
}

TEST(Agent, D15_OutputIsAnEventWhileTheBlockRuns) {
  Desk desk;
  desk.model.turns = {block, "55"};
  std::string seen_before_the_end;
  struct Keeper final : EventSink {
    void event(const Event& event) override {
      if (const auto* output = std::get_if<OutputEvent>(&event.body)) text += output->text + "|";
    }
    std::string text;
  } keeper;
  desk.runner.script = [&](std::string, OutputSink& sink,
                           ToolHost&) -> asio::awaitable<Result<Outcome>> {
    sink.output(OutputStream::out, "one \xE6\x95");
    sink.output(OutputStream::err, "two");
    sink.output(OutputStream::out, "\xB0\xff");
    seen_before_the_end = keeper.text;
    co_return FakeRunner::value("55");
  };
  RunOptions options;
  options.sinks = {&keeper};
  const auto asked = desk.ask("q", options);
  EXPECT_EQ(seen_before_the_end, "one |two|数\xEF\xBF\xBD|");
  EXPECT_EQ(asked.all<OutputEvent>()[1].stream, OutputStream::err);
}

TEST(Agent, S4_S33_ErrorIsAnObservationAndTheAgentGoesOn) {
  Desk desk;
  desk.model.turns = {"<execute>1/0</execute>", "<execute>1</execute>", "One."};
  auto failed = FakeRunner::value("");
  failed.value = nullptr;
  failed.status = Status::raised;
  failed.error = ExceptionInfo{"ZeroDivisionError", "division by zero", ""};
  desk.runner.outcomes = {failed, FakeRunner::value("1")};
  const auto asked = desk.ask("q");
  EXPECT_EQ(asked.stop.result, "One.");
  EXPECT_NE(desk.model.requests[1].back().content.find("ZeroDivisionError: division by zero"),
            std::string::npos);
}

TEST(Agent, S77_S79_LaterQuestionsKnowTheEarlierOnesAndUseTheSameRunner) {
  Desk desk;
  desk.model.turns = {"<execute>x = 41</execute>", "Done.", "<execute>x + 1</execute>", "42."};
  desk.ask("Set x to 41");
  const auto second = desk.ask("Add one");
  EXPECT_EQ(second.stop.result, "42.");
  EXPECT_EQ(desk.runner.codes, (std::vector<std::string>{"x = 41", "x + 1"}));
  const auto& request = desk.model.requests[2];
  EXPECT_EQ(request[1], (Message{Role::user, "Set x to 41"}));
  EXPECT_EQ(request.back(), (Message{Role::user, "Add one"}));
}

TEST(Agent, S80_MemoryIsThreeQuartersOfTheModelsWindow) {
  Desk desk;
  desk.model.window = 1000;
  desk.model.turns = {"ok"};
  desk.ask("q");
  EXPECT_EQ(desk.context.memory->limit_tokens(), 750U);
}

TEST(Agent, S58_ModeJoinRunsAllBlocksAsOne) {
  auto options = test::prompted();
  options.scanner.mode = ScanMode::join;
  Desk desk(options);
  desk.model.turns = {"<execute>a=1</execute> then <execute>print(a)</execute>", "ok"};
  desk.ask("q");
  EXPECT_EQ(desk.runner.codes, std::vector<std::string>{"a=1\n\nprint(a)"});
}

TEST(Agent, D13_ByDefaultWhatIsInventedAfterABlockIsNotEvenRead) {
  Desk desk;
  desk.model.turns = {"<execute>x=f()</execute>\nResult:\n3\n<execute>print(x+1)</execute>", "ok"};
  desk.ask("q");
  EXPECT_EQ(desk.runner.codes, std::vector<std::string>{"x=f()"});
  EXPECT_LT(desk.model.contents[0].size(), 30U);
  EXPECT_EQ(desk.context.memory->messages()[1].content, "<execute>x=f()</execute>");
}

TEST(Agent, ModeEachStopsAtTheFirstFailureAndSaysSo) {
  auto options = test::prompted();
  options.scanner.mode = ScanMode::each;
  Desk desk(options);
  desk.model.turns = {"<execute>a</execute>\n<execute>b</execute>\n<execute>c</execute>", "ok"};
  desk.runner.outcomes = {
      FakeRunner::value("1"),
      FakeRunner::ended(Status::timeout_wall, StateChange::rolled_back, "10 s")};
  const auto asked = desk.ask("q");
  EXPECT_EQ(desk.runner.codes, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(asked.all<ResultEvent>().size(), 2U);
  EXPECT_EQ(desk.model.requests.size(), 2U);
  EXPECT_NE(desk.model.requests[1].back().content.find("1 more of your blocks did not run"),
            std::string::npos);
  EXPECT_EQ(asked.all<RollbackEvent>()[0].checkpoint, 2U);
}

TEST(Agent, HostToolCallsAreEventsAndTheModelIsToldThatTheyHaveRun) {
  struct Adder final : ToolHost {
    asio::awaitable<Result<nlohmann::json>> call(ToolCall call) override {
      if (call.name == "no") co_return Error(Errc::not_found, "no such tool");
      co_return nlohmann::json(8);
    }
  } adder;
  Desk desk;
  CodeActAgent agent(desk.model, desk.runner, adder, test::prompted());
  desk.model.turns = {"<execute>add(5, 3)</execute>", "8"};
  desk.runner.script = [](std::string, OutputSink&,
                          ToolHost& tools) -> asio::awaitable<Result<Outcome>> {
    ToolCall call;
    call.id = 7;
    call.name = "add";
    co_await tools.call(call);
    call.name = "no";
    const auto refused = co_await tools.call(call);
    EXPECT_FALSE(refused);
    co_return FakeRunner::ended(Status::timeout_wall, StateChange::rolled_back, "too long");
  };
  std::vector<Event> events;
  auto work = [&]() -> asio::awaitable<void> {
    auto run = agent.start(desk.loop.get_executor(), "q", desk.context, {});
    co_await (*run)->finish();
    events.assign((*run)->log().events().begin(), (*run)->log().events().end());
  };
  test::run_coro(desk.loop, work());
  const test::Asked asked{{}, events};
  EXPECT_EQ(asked.all<ToolCallEvent>()[0].tool, "add");
  EXPECT_EQ(asked.all<ToolResultEvent>()[0].value, nlohmann::json(8));
  EXPECT_EQ(asked.all<ToolResultEvent>()[1].error, "no such tool");
  EXPECT_NE(asked.all<ResultEvent>()[0].observation.find("host tools that have run: add\n"),
            std::string::npos);
}

TEST(Agent, ReasoningIsShownButNeitherScannedNorStored) {
  Desk desk;
  desk.model.turns = {"<think><execute>rm()</execute></think>It is 2."};
  desk.model.turns[0].reasoning = "hm";
  const auto asked = desk.ask("q");
  EXPECT_EQ(asked.stop.result, "It is 2.");
  EXPECT_TRUE(desk.runner.codes.empty());
  std::string reasoning;
  for (const auto& delta : asked.all<ReasoningEvent>()) reasoning += delta.delta;
  EXPECT_EQ(reasoning, "hm<think><execute>rm()</execute></think>");
  EXPECT_EQ(desk.context.memory->messages()[1].content, "It is 2.");
}

TEST(Agent, D8_S81_WaitingForABlockHoldsUpNothingElse) {
  Desk desk;
  desk.model.turns = {block, "55"};
  asio::steady_timer gate(desk.loop, asio::steady_timer::time_point::max());
  bool others_ran = false;
  desk.runner.script = [&](std::string, OutputSink&,
                           ToolHost&) -> asio::awaitable<Result<Outcome>> {
    boost::system::error_code ignored;
    co_await gate.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return FakeRunner::value("55");
  };
  auto work = [&]() -> asio::awaitable<void> {
    auto run = desk.agent.start(desk.loop.get_executor(), "q", desk.context, {});
    auto& log = (*run)->log();
    // Reads the events while the run goes on, and ends the block's wait when its code is there.
    for (std::uint64_t next = 1;; ++next) {
      const auto* event = co_await log.read(next);
      if (!event) break;
      if (std::holds_alternative<CodeExecutionEvent>(event->body)) {
        others_ran = true;
        co_await asio::post(desk.loop, asio::use_awaitable);
        gate.cancel();
      }
    }
    const auto stop = co_await (*run)->finish();
    EXPECT_EQ(stop.result, "55");
  };
  test::run_coro(desk.loop, work());
  EXPECT_TRUE(others_ran);
}

TEST(Agent, S47_RunsOfTwoConversationsGoOnSideBySide) {
  Desk desk;
  Context other;
  desk.model.turns = {"first answer", "second answer"};
  auto work = [&]() -> asio::awaitable<void> {
    auto a = desk.agent.start(desk.loop.get_executor(), "a", desk.context, {});
    auto b = desk.agent.start(desk.loop.get_executor(), "b", other, {});
    const auto stop_a = co_await (*a)->finish();
    const auto stop_b = co_await (*b)->finish();
    EXPECT_EQ(stop_a.result, "first answer");
    EXPECT_EQ(stop_b.result, "second answer");
    EXPECT_NE((*a)->log().run(), (*b)->log().run());
  };
  test::run_coro(desk.loop, work());
}

TEST(Agent, S45_AnythingThatRunsABlockCanBeTheExecutor) {
  struct Upper final : BlockRunner {
    asio::awaitable<Result<Outcome>> run(Block what, Deadline, OutputSink&, ToolHost&) override {
      co_return FakeRunner::value("ran " + what.code);
    }
  } upper;
  Desk desk;
  desk.model.turns = {"<execute>\nanything at all\n</execute>", "done"};
  CodeActAgent agent(desk.model, upper, desk.no_tools, test::prompted());
  auto work = [&]() -> asio::awaitable<void> {
    auto run = agent.start(desk.loop.get_executor(), "q", desk.context, {});
    EXPECT_TRUE(run);
    if (run) co_await (*run)->finish();
  };
  test::run_coro(desk.loop, work());
  EXPECT_NE(desk.model.requests[1].back().content.find("ran anything at all"), std::string::npos);
}

TEST(Agent, S63_S83_S88_TheFirstRunMakesTheMemoryAndFinishGivesTheAnswer) {
  Desk desk;
  EXPECT_FALSE(desk.context.memory);
  desk.model.turns = {"Hello!"};
  const auto asked = desk.ask("Hi?");
  ASSERT_TRUE(desk.context.memory);
  EXPECT_EQ(asked.stop.result, "Hello!");
  const std::vector<Message> expected{{Role::system, "SYSTEM"}, {Role::user, "Hi?"}};
  EXPECT_EQ(desk.model.requests[0], expected) << "the question, in the whole context";
}

}  // namespace
}  // namespace caisson
