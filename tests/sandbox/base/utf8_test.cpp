#include "sandbox/base/utf8.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(Utf8, WellFormedTextHasNoInvalidByte) {
  for (const std::string_view text :
       {"", "ascii", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    EXPECT_EQ(invalid_utf8(text), text.size()) << text;
  }
}

TEST(Utf8, TheFirstBadByteIsFound) {
  EXPECT_EQ(invalid_utf8("ab\xff"), 2U);
  EXPECT_EQ(invalid_utf8("a\xC3"), 1U) << "cut off";
  EXPECT_EQ(invalid_utf8("\xC0\x80"), 0U) << "overlong";
  EXPECT_EQ(invalid_utf8("\xE0\x80\x80"), 0U) << "overlong";
  EXPECT_EQ(invalid_utf8("\xED\xA0\x80"), 0U) << "surrogate";
  EXPECT_EQ(invalid_utf8("\xF4\x90\x80\x80"), 0U) << "beyond U+10FFFF";
}

}  // namespace
}  // namespace caisson
