#include "orchestrator/agent/render.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/orchestrator/agent/fakes.h"

namespace caisson {
namespace {

using test::Desk;
using test::FakeRunner;

// The article's two questions, seen by one sink.
void ask_both(EventSink& sink) {
  Desk desk;
  desk.model.turns = {"I add.\n<execute>\nprint('hi')\nsum(range(1, 11))\n</execute>",
                      "The sum is 55.", "<execute>multiply(add(5, 3), 2)</execute>", "It is 16."};
  auto first = FakeRunner::value("55");
  first.out = {"hi\n", "", 3};
  first.usage.wall = std::chrono::microseconds(2000);
  desk.runner.outcomes = {first, FakeRunner::value("16")};
  RunOptions options;
  options.sinks = {&sink};
  desk.ask("Calculate the sum of all numbers from 1 to 10", options);
  desk.ask("Add 5 and 3, then multiply the result by 2", options);
}

TEST(VerboseTranscript, S84_S85_S86_S87_IsTheArticles) {
  std::ostringstream out;
  VerboseTranscript sink(out);
  ask_both(sink);
  EXPECT_EQ(out.str(),
            "User:  Calculate the sum of all numbers from 1 to 10\n"
            "I add.\n<execute>\nprint('hi')\nsum(range(1, 11))\n</execute>"
            "\n-----------\nParsed code:\nprint('hi')\nsum(range(1, 11))\n\n"
            "The sum is 55."
            "\n==================================================\n\n"
            "User:  Add 5 and 3, then multiply the result by 2\n"
            "<execute>multiply(add(5, 3), 2)</execute>"
            "\n-----------\nParsed code:\nmultiply(add(5, 3), 2)\n\n"
            "It is 16.");
}

TEST(LiveView, ShowsQuestionTextCodeOutputValueAndEnd) {
  std::ostringstream out;
  LiveView sink(out, Colours::none);
  ask_both(sink);
  EXPECT_EQ(out.str(),
            "> Calculate the sum of all numbers from 1 to 10\n"
            "I add.\n"
            "  ┌ python 1\n"
            "  │ print('hi')\n"
            "  │ sum(range(1, 11))\n"
            "  ├\n"
            "  │ hi\n"
            "  │ 55\n"
            "  └ ok · 2 ms\n"
            "The sum is 55.\n"
            "✓ final · 2 replies · 1 block\n"
            "> Add 5 and 3, then multiply the result by 2\n"
            "  ┌ python 1\n"
            "  │ multiply(add(5, 3), 2)\n"
            "  ├\n"
            "  │ 16\n"
            "  └ ok · 0 ms\n"
            "It is 16.\n"
            "✓ final · 2 replies · 1 block\n");
}

std::string live(const std::vector<EventBody>& events, Colours colours = Colours::none) {
  std::ostringstream out;
  LiveView sink(out, colours);
  for (const auto& body : events) sink.event({"r", 1, {}, body});
  return out.str();
}

TEST(LiveView, OutputAppearsAsItComesAlsoWithoutALineEnd) {
  EXPECT_EQ(live({OutputEvent{OutputStream::out, "a"}, OutputEvent{OutputStream::out, "b\nc"},
                  OutputEvent{OutputStream::err, "d\n"}}),
            "  │ ab\n  │ c\n  │ d\n");
}

TEST(LiveView, GuestCannotSteerTheTerminal) {
  const auto text = live({OutputEvent{OutputStream::out, "\x1b[2"},
                          OutputEvent{OutputStream::out, "Jx\x1b]0;t\x07\x08y\n"},
                          StreamEvent{"\x1b[31mred\n", Piece::Part::prose}});
  EXPECT_EQ(text, "  │ xy\nred\n");
}

TEST(LiveView, ProgressBarIsOneLineOnATerminalAndLinesElsewhere) {
  const std::vector<EventBody> events = {OutputEvent{OutputStream::out, "10%\r90%\n"}};
  EXPECT_EQ(live(events), "  │ 10%\n  │ 90%\n");
  EXPECT_NE(live(events, Colours::ansi).find("10%\r\x1b[K"), std::string::npos);
}

TEST(LiveView, ColoursOnlyWhenAskedFor) {
  const std::vector<EventBody> events = {StartEvent{"q"}, CodeExecutionEvent{"x", {}}};
  EXPECT_EQ(live(events).find('\x1b'), std::string::npos);
  EXPECT_NE(live(events, Colours::ansi).find("\x1b[36mx\x1b[0m"), std::string::npos);
}

TEST(LiveView, FailuresDenialsAndRollbacksAreShown) {
  Outcome outcome;
  outcome.status = Status::raised;
  outcome.error = ExceptionInfo{"ValueError", "bad", ""};
  outcome.denials = {{"seccomp", "socket()", "EPERM", "network.mode = none", "", 1, "", ""}};
  const auto text = live({ResultEvent{outcome, ""}, RollbackEvent{2, "timeout"},
                          StopEvent{StopReason::llm_error, "", "refused"}});
  EXPECT_NE(text.find("ValueError: bad"), std::string::npos);
  EXPECT_NE(text.find("denied: socket() by network.mode = none"), std::string::npos);
  EXPECT_NE(text.find("rolled back to block 2"), std::string::npos);
  EXPECT_NE(text.find("✗ llm_error · 0 replies · 0 blocks · refused"), std::string::npos);
}

TEST(JsonLines, EveryEventIsOneLineAndSequencesHaveNoGaps) {
  std::ostringstream out;
  JsonLines sink(out);
  ask_both(sink);
  std::istringstream lines(out.str());
  std::uint64_t last = 0;
  int stops = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line);
    const auto sequence = event["seq"].get<std::uint64_t>();
    EXPECT_EQ(sequence, event["type"] == "run_started" ? 1 : last + 1);
    last = sequence;
    stops += event["type"] == "stop" ? 1 : 0;
  }
  EXPECT_EQ(stops, 2);
}

}  // namespace
}  // namespace caisson
