#include "sandbox/session/nesting.h"

#include <gtest/gtest.h>

#include <string>

namespace caisson {
namespace {

std::size_t depth(std::string_view code) {
  return deepest_nesting(code).depth;
}

TEST(Nesting, CountsBracketsAndIndentation) {
  EXPECT_EQ(depth(""), 0U);
  EXPECT_EQ(depth("a = 1\n"), 0U);
  EXPECT_EQ(depth("f([{1}])"), 3U);
  EXPECT_EQ(depth("if a:\n  if b:\n\tf(1)\n"), 3U);
  EXPECT_EQ(depth("if a:\n    f()\ng(h())\n"), 2U);
  EXPECT_EQ(deepest_nesting("a\nb\nf((\n))").line, 3U);
}

TEST(Nesting, SkipsStringsAndComments) {
  EXPECT_EQ(depth("a = '((((' # [[[["), 0U);
  EXPECT_EQ(depth("a = '\\'(((' + \"((\""), 0U);
  EXPECT_EQ(depth("a = \"\"\"\n    (((\n\"\" (\n\"\"\"\n"), 0U);
  EXPECT_EQ(depth("a = '(((\nf(1)"), 1U);
}

TEST(Nesting, LinesWithinBracketsAndEmptyOnesAreNoIndentation) {
  EXPECT_EQ(depth("a = [\n        1,\n            2]\n"), 1U);
  EXPECT_EQ(depth("            \n        # far\na = 1"), 0U);
}

TEST(Nesting, WhatIsNeverClosedEndsToo) {
  EXPECT_EQ(depth(std::string(1000000, '(')), 1000000U);
  EXPECT_EQ(depth("))))'"), 0U);
  EXPECT_EQ(depth("'\\"), 0U);
  EXPECT_EQ(depth(std::string(3, '\'')), 0U);
}

}  // namespace
}  // namespace caisson
