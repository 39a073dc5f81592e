#include "sandbox/base/json.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(Json, DeepNestingIsRefusedBeforeAnythingRecurses) {
  const std::string deep(1'000'000, '[');
  ASSERT_FALSE(parse_json(deep));
  EXPECT_EQ(parse_json(deep).error().code, Errc::too_large);
  EXPECT_TRUE(parse_json(R"(["[[[[", "\"[[["])", 2));
}

TEST(Json, WhatIsNotJsonIsAnErrorAndNoException) {
  for (const char* text : {"", "{", "nul", "\"\\ud800\"", "\"\xff\"", "[1] 2"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
}

TEST(Json, BytesThatAreNotUtf8AreReplacedWhenWritten) {
  EXPECT_EQ(to_text("a\xff"), "\"a\xEF\xBF\xBD\"");
}

TEST(Json, AMemberOfAnotherTypeIsTheFallback) {
  EXPECT_EQ(get_string(nlohmann::json{{"a", 1}}, "a", "x"), "x");
  EXPECT_EQ(get_string(nlohmann::json::array(), "a", "x"), "x");
  EXPECT_EQ(get_string(nlohmann::json{{"a", "b"}}, "a"), "b");
}

}  // namespace
}  // namespace caisson
