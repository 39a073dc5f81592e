#include "orchestrator/chat/memory.h"

#include <gtest/gtest.h>

#include <string>

namespace caisson {
namespace {

// A token a byte makes the arithmetic of these tests plain.
std::uint64_t bytes(std::string_view text) {
  return text.size();
}

Memory with_limit(std::uint64_t limit) {
  return {limit, bytes};
}

std::string roles(const std::vector<Message>& messages) {
  std::string letters;
  for (const auto& message : messages) letters += name(message.role)[0];
  return letters;
}

std::string all_text(const std::vector<Message>& messages) {
  std::string text;
  for (const auto& message : messages) text += message.content + "|";
  return text;
}

TEST(Memory, S80_LimitIsThreeQuartersOfTheContextWindow) {
  EXPECT_EQ(Memory::limit_for(128000), 96000U);
}

TEST(Memory, S56_SystemPromptComesFirstInEveryWindowAndIsNeverStored) {
  auto memory = with_limit(1000);
  memory.add_question("q");
  for (int call = 0; call < 2; ++call) {
    const auto window = memory.window("be nice");
    EXPECT_EQ(all_text(window.messages), "be nice|q|");
    EXPECT_EQ(roles(window.messages), "su");
  }
  EXPECT_EQ(memory.size(), 1U);
}

TEST(Memory, S65_S77_QuestionsOfOneConversationAreRemembered) {
  auto memory = with_limit(1000);
  memory.add_question("my name is Ann");
  memory.add_reply("hello");
  memory.add_question("what is my name?");
  EXPECT_EQ(roles(memory.window("s").messages), "suau");
}

TEST(Memory, D9_NeighboursOfEqualRoleBecomeOneMessage) {
  auto memory = with_limit(1000);
  memory.add_question("q");
  memory.add_observation(Role::user, "o1");
  memory.add_observation(Role::user, "o2");
  const auto window = memory.window("s");
  EXPECT_EQ(all_text(window.messages), "s|q\n\no1\n\no2|");
}

TEST(Memory, OldOutputsShrinkBeforeAnyMessageGoes) {
  auto memory = with_limit(1600);
  memory.add_question("q1");
  memory.add_reply("a1");
  memory.add_observation(Role::user, "first " + std::string(1000, 'x') + " last");
  memory.add_reply("a2");
  memory.add_observation(Role::user, std::string(1000, 'y'));
  const auto window = memory.window("s");
  EXPECT_EQ(window.shrunk, 1U);
  EXPECT_EQ(window.dropped, 0U);
  EXPECT_LE(window.tokens, 1600U);
  const auto text = all_text(window.messages);
  EXPECT_NE(text.find("first x"), std::string::npos);
  EXPECT_NE(text.find("x last"), std::string::npos);
  EXPECT_NE(text.find("of this old output left out"), std::string::npos);
  EXPECT_NE(text.find(std::string(1000, 'y')), std::string::npos);
}

TEST(Memory, S80_OldestMessagesGoFirstAndTheUserStillBegins) {
  auto memory = with_limit(60);
  for (int i = 1; i <= 9; ++i) {
    memory.add_question("question " + std::to_string(i));
    memory.add_reply("answer " + std::to_string(i));
  }
  memory.add_question("question 10");
  const auto window = memory.window("s");
  EXPECT_LE(window.tokens, 60U);
  EXPECT_EQ(roles(window.messages), "suau");
  EXPECT_EQ(all_text(window.messages), "s|question 9|answer 9|question 10|");
}

TEST(Memory, S80_LastQuestionAndLastMessageAreNeverDropped) {
  auto memory = with_limit(10);
  memory.add_question("old");
  memory.add_reply("old reply");
  memory.add_question(std::string(100, 'q'));
  memory.add_reply("reply");
  memory.add_observation(Role::user, "observation");
  const auto window = memory.window("system");
  EXPECT_EQ(all_text(window.messages), "system|" + std::string(100, 'q') + "\n\nobservation|");
  EXPECT_EQ(window.dropped, 3U);
}

TEST(Memory, LastOutputShrinksWhenNothingElseCanGiveWay) {
  auto memory = with_limit(500);
  memory.add_question("q");
  memory.add_observation(Role::user, std::string(1000, 'x'));
  const auto window = memory.window("s");
  EXPECT_EQ(window.shrunk, 1U);
  EXPECT_LE(window.tokens, 500U);
}

TEST(Memory, ShrinkingDoesNotCutCharacters) {
  auto memory = with_limit(700);
  memory.add_question("q");
  std::string output;
  for (int i = 0; i < 400; ++i) output += "数";
  memory.add_observation(Role::user, "a" + output);
  const auto text = memory.window("s").messages[1].content;
  EXPECT_EQ(text.find("数"), text.find("a数") + 1);
  EXPECT_NE(text.find("数\n["), std::string::npos);
  EXPECT_NE(text.find("]\n数"), std::string::npos);
}

TEST(Memory, EmptyReplyIsNotKept) {
  auto memory = with_limit(100);
  memory.add_reply("");
  EXPECT_EQ(memory.size(), 0U);
}

}  // namespace
}  // namespace caisson
