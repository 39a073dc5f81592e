#include "orchestrator/llm/tokens.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(Tokens, TheEstimateCountsBytesForAsciiAndCharactersForTheRest) {
  EXPECT_EQ(estimate_tokens(""), 0U);
  EXPECT_EQ(estimate_tokens("a"), 1U);
  EXPECT_EQ(estimate_tokens("eight ch"), 2U);
  EXPECT_EQ(estimate_tokens("你好🙂"), 3U);
}

TEST(Tokens, TheLongestNameWins) {
  EXPECT_EQ(known_context_window("gpt-4o-mini"), 128'000U);
  EXPECT_EQ(known_context_window("openai/gpt-4o"), 128'000U);
  EXPECT_EQ(known_context_window("gpt-4"), 8'192U);
  EXPECT_EQ(known_context_window("llama3:8b"), 8'192U);
}

}  // namespace
}  // namespace caisson
