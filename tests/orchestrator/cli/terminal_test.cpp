#include "orchestrator/cli/terminal.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using namespace std::chrono_literals;

TEST(Printable, EscapeSequencesBecomeVisibleText) {
  EXPECT_EQ(printable("a\x1b]0;title\x07"
                      "b"),
            "a\\x1b]0;title\\x07"
            "b");
  EXPECT_EQ(printable("over\rwrite"), "over\\rwrite");
  EXPECT_EQ(printable("c1 \xC2\x9B"
                      "31m"),
            "c1 \\x9b31m");
}

TEST(Printable, TextWithTabsAndLinesStaysAsItIs) {
  EXPECT_EQ(printable("a\tb\né €\n"), "a\tb\né €\n");
}

TEST(Printable, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(printable("a\xff"
                      "b"),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(ParseTime, TakesTheUsualUnits) {
  EXPECT_EQ(*parse_time("500ms"), 500ms);
  EXPECT_EQ(*parse_time("1.5s"), 1500ms);
  EXPECT_EQ(*parse_time("2m"), 2min);
  EXPECT_EQ(*parse_time("1h"), 1h);
  EXPECT_EQ(*parse_time(""), 0ms);
}

TEST(ParseTime, WhatIsNoTimeIsAnErrorWithAnExample) {
  for (const char* text : {"10", "s", "-1s", "0s", "1d", "1e99h", "nan s", "10 s", "0.1ms"}) {
    const auto time = parse_time(text);
    ASSERT_FALSE(time) << text;
    EXPECT_NE(time.error().message.find("try 500ms"), std::string::npos);
  }
}

}  // namespace
}  // namespace caisson
