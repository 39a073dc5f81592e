#include "orchestrator/llm/scripted.h"

#include <gtest/gtest.h>

#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

Result<Reply> ask(
    ScriptedModel& model, std::string question,
    Model::Reader reader = [](const Delta&) { return Reading::go_on; },
    Deadline deadline = Deadline::after(20s)) {
  Request request;
  request.messages = {{Role::user, std::move(question)}};
  return test::run_coro(model.complete(std::move(request), deadline, std::move(reader)));
}

ScriptedModel scripted(const char* text) {
  auto turns = parse_script(text, "t.script");
  EXPECT_TRUE(turns) << turns.error().message;
  return ScriptedModel("t.script", std::move(*turns), 1000);
}

TEST(Scripted, TheArticlesTurnsArePlayedInOrder) {
  auto model = load_script(CAISSON_SOURCE_DIR "/tests/cases/streams/article.script");
  ASSERT_TRUE(model) << model.error().message;
  const auto first = ask(**model, "Calculate the sum of all numbers from 1 to 10");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_NE(first->content.find("<execute>\nnumbers = range(1, 11)\n"), std::string::npos);
  EXPECT_TRUE(first->content.ends_with("total\n</execute>"));
  EXPECT_EQ(first->end, ReplyEnd::finished);
  ASSERT_TRUE(ask(**model, "value: 55"));
  ASSERT_TRUE(ask(**model, "Add 5 and 3, then multiply the result by 2"));
  const auto last = ask(**model, "16");
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_EQ(last->content, "5 plus 3 is 8, and 8 times 2 is 16.");
  EXPECT_EQ((*model)->turns_left(), 0U);
}

TEST(Scripted, DeltasAreWholeCharactersAndAddUpToTheReply) {
  auto model = scripted("--- turn chunk=2\n你好🙂abc\n\n--- turn\nx\n");
  std::vector<std::string> pieces;
  const auto reply = ask(model, "", [&](const Delta& delta) {
    pieces.push_back(delta.content);
    return Reading::go_on;
  });
  ASSERT_TRUE(reply);
  EXPECT_EQ(pieces, (std::vector<std::string>{"你好", "🙂a", "bc"}));
  EXPECT_EQ(reply->content, "你好🙂abc");
}

TEST(Scripted, ReadingEnoughEndsTheReply) {
  auto model = scripted("--- turn chunk=1\nabc\n");
  const auto reply = ask(model, "", [](const Delta& delta) {
    return delta.content == "b" ? Reading::enough : Reading::go_on;
  });
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->content, "ab");
  EXPECT_EQ(reply->end, ReplyEnd::stopped);
}

TEST(Scripted, OneTurnTooManyIsAnErrorThatCounts) {
  auto model = scripted("--- turn\na\n--- turn\nb\n");
  ASSERT_TRUE(ask(model, ""));
  ASSERT_TRUE(ask(model, ""));
  const auto third = ask(model, "");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().message, "script t.script has 2 turns and a third was asked for");
}

TEST(Scripted, AnUnexpectedMessageIsAnErrorThatShowsBoth) {
  auto model = scripted("--- turn\n--- expect ^value: 5+$\na\n");
  const auto reply = ask(model, "status: ok\nvalue: 56");
  ASSERT_FALSE(reply);
  for (const char* part : {"t.script:1", "'^value: 5+$'", "value: 56"}) {
    EXPECT_NE(reply.error().message.find(part), std::string::npos) << reply.error().message;
  }
}

TEST(Scripted, AnExpressionSeesLinesAndLongMessages) {
  auto model = scripted("--- turn\n--- expect ^value: (a|b)*5$\na\n");
  ASSERT_TRUE(ask(model, std::string(1'000'000, 'x') + "\nvalue: 5\nmore"));
}

TEST(Scripted, ATurnMayEndBadly) {
  auto model = scripted("--- turn end=length\nabc\n--- turn end=truncated\nabc\n");
  EXPECT_EQ(ask(model, "")->end, ReplyEnd::length);
  EXPECT_EQ(ask(model, "")->end, ReplyEnd::truncated);
}

TEST(Scripted, TheDeadlineEndsASlowTurn) {
  auto model = scripted("--- turn delay=3600000ms\nabc\n");
  const auto reply = ask(model, "", nullptr, Deadline::after(10ms));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::timed_out);
}

TEST(Scripted, MistakesAreToldWithTheirLine) {
  const std::pair<const char*, const char*> table[] = {
      {"", "no turns"},
      {"# only a comment\n", "no turns"},
      {"hello\n--- turn\n", "f:1: text before"},
      {"--- turn\na\n--- turn chunk=0\n", "f:3: 'chunk=0'"},
      {"--- turn speed=7\n", "f:1: 'speed=7'"},
      {"--- turn delay=5\n", "f:1: 'delay=5'"},
      {"--- turn\n--- expect (\n", "f:2: '('"},
      {"--- turn\ntext\n--- expect x\n", "f:3: '--- expect' must"},
  };
  for (const auto& [text, part] : table) {
    const auto turns = parse_script(text, "f");
    ASSERT_FALSE(turns) << text;
    EXPECT_EQ(turns.error().code, Errc::bad_input);
    EXPECT_NE(turns.error().message.find(part), std::string::npos) << turns.error().message;
  }
}

TEST(Scripted, WindowsLineEndsAndNoLastLineEndAreFine) {
  const auto turns = parse_script("--- turn\r\na\r\nb", "f");
  ASSERT_TRUE(turns);
  EXPECT_EQ((*turns)[0].text, "a\nb");
}

}  // namespace
}  // namespace caisson
