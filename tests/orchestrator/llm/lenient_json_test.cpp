#include "orchestrator/llm/lenient_json.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

std::string text(std::string_view json) {
  const auto value = parse_lenient_json(json);
  if (!value) return "error: " + value.error().message;
  return value->is_string() ? value->get<std::string>() : value->dump();
}

TEST(LenientJson, ASurrogatePairIsOneCharacter) {
  EXPECT_EQ(text(R"("\ud83d\ude42")"), "🙂");
}

TEST(LenientJson, ALoneSurrogateBecomesAReplacementCharacter) {
  EXPECT_EQ(text(R"("a\ud83db")"), "a\uFFFDb");
  EXPECT_EQ(text(R"("\ude42")"), "\uFFFD");
  EXPECT_EQ(text(R"("\ud83d\ud83d\ude42")"), "\uFFFD🙂");
  EXPECT_EQ(text(R"("\\ud83d \ud83d\n")"), "\\ud83d \uFFFD\n");
}

TEST(LenientJson, ACutCharacterIsReplacedOnce) {
  EXPECT_EQ(text("\"a\xF0\x9F\x99z\""), "a\uFFFDz");
  EXPECT_EQ(text("\"\xFF\xFE\""), "\uFFFD\uFFFD");
}

TEST(LenientJson, NumbersThatAreNoneBecomeNull) {
  EXPECT_EQ(text(R"({"a":NaN,"b":[-Infinity,Infinity],"c":"NaN"})"),
            R"({"a":null,"b":[null,null],"c":"NaN"})");
}

TEST(LenientJson, RubbishStaysAnError) {
  EXPECT_FALSE(parse_lenient_json("{"));
  EXPECT_FALSE(parse_lenient_json("\"\\ud83"));
  EXPECT_FALSE(parse_lenient_json("\"\\"));
  EXPECT_FALSE(parse_lenient_json(std::string(100000, '[')));
}

}  // namespace
}  // namespace caisson
