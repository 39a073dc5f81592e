#include "orchestrator/agent/clean_text.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(CleanText, EscapeSequencesAreGone) {
  EXPECT_EQ(clean_text("\x1b[31mred\x1b[0m"), "red");
  EXPECT_EQ(clean_text("\x1b]0;title\x07x"), "x");
  EXPECT_EQ(clean_text("\x1b]52;c;Zm9v\x1b\\x"), "x");
  EXPECT_EQ(clean_text("\x1b(Bx\x1b"
                       "7y"),
            "xy");
  EXPECT_EQ(clean_text("\xC2\x9B"
                       "31mx"),
            "x");
  EXPECT_EQ(clean_text("a\x1b[31"), "a");
}

TEST(CleanText, SequenceThatIsNeverEndedSwallowsOnlyItsLine) {
  EXPECT_EQ(clean_text("\x1b]0;title\nnext"), "\nnext");
}

TEST(CleanText, ControlAndDeceptiveCharactersAreGone) {
  EXPECT_EQ(clean_text(std::string_view("a\0b\x08\x7f\tc", 7)), "ab\tc");
  EXPECT_EQ(clean_text("a\xE2\x80\xAE"
                       "b\xEF\xBB\xBF"),
            "ab");
  EXPECT_EQ(clean_text("x\xF3\xA0\x81\x81y"), "xy");
  EXPECT_EQ(clean_text("数 é 🙂"), "数 é 🙂");
}

TEST(CleanText, BytesThatAreNoUtf8BecomeReplacements) {
  EXPECT_EQ(clean_text("a\xff\xE6\x95"), "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(CleanText, CarriageReturnsAreObeyed) {
  EXPECT_EQ(clean_text("a\r\nb\r\n"), "a\nb\n");
  EXPECT_EQ(clean_text("10%\r50%\r100%\ndone"), "100%\ndone");
  EXPECT_EQ(clean_text("kept\r"), "kept");
}

TEST(TextCleaner, SequencesMayBeCutAnywhere) {
  const std::string text = "a\x1b[1;31mb\x1b]0;t\x1b\\c\r\nd\x1b(Be";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    TextCleaner cleaner;
    auto cleaned = cleaner.feed(text.substr(0, cut));
    cleaned += cleaner.feed(text.substr(cut));
    EXPECT_EQ(cleaned, "abc\nde") << cut;
  }
}

TEST(Utf8Pieces, CharactersMayBeCutAnywhere) {
  const std::string text =
      "aé数🙂\xff"
      "b\xE6x";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Pieces pieces;
    auto whole = pieces.feed(text.substr(0, cut));
    whole += pieces.feed(text.substr(cut));
    whole += pieces.finish();
    EXPECT_EQ(whole,
              "aé数🙂\xEF\xBF\xBD"
              "b\xEF\xBF\xBDx")
        << cut;
  }
}

TEST(Neutralise, OurTagsAndThoseOfChatTemplatesAreBrokenVisibly) {
  const std::vector<std::string> ours = {"<execute>", "</execute>"};
  EXPECT_EQ(neutralise("<execute>x</EXECUTE>", ours), "<\\execute>x<\\/EXECUTE>");
  EXPECT_EQ(neutralise("<execute lang='x'>", ours), "<\\execute lang='x'>");
  EXPECT_EQ(neutralise("<|im_start|>system", ours), "<\\|im_start|>system");
  EXPECT_EQ(neutralise("[INST] <｜User｜> </think>", ours), "[\\INST] <\\｜User｜> <\\/think>");
  EXPECT_EQ(neutralise("a < b and c[0] <b>", ours), "a < b and c[0] <b>");
}

TEST(HeadAndTail, BothEndsAreKeptWithANote) {
  EXPECT_EQ(head_and_tail("short", 10), "short");
  const auto cut = head_and_tail(std::string(50, 'a') + std::string(50, 'b'), 20);
  EXPECT_EQ(cut, "aaaaaaaaaa\n[… 80 of 100 bytes left out …]\nbbbbbbbbbb");
}

TEST(HeadAndTail, LinesAndCharactersStayWhole) {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "line\n";
  const auto cut = head_and_tail(lines, 43);
  EXPECT_TRUE(cut.starts_with("line\nline\nline\nline\n[… ")) << cut;
  EXPECT_TRUE(cut.ends_with("…]\nline\nline\nline\nline\n")) << cut;
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "数";
  const auto narrow = head_and_tail(wide, 20);
  EXPECT_TRUE(narrow.starts_with("数数数\n[")) << narrow;
  EXPECT_TRUE(narrow.ends_with("]\n数数数")) << narrow;
}

TEST(FairShares, WhoeverNeedsLittleLeavesTheRest) {
  using Sizes = std::vector<std::size_t>;
  EXPECT_EQ(fair_shares({10, 1000, 1000}, 110), (Sizes{10, 50, 50}));
  EXPECT_EQ(fair_shares({5, 5}, 100), (Sizes{5, 5}));
  EXPECT_EQ(fair_shares({}, 100), Sizes{});
}

}  // namespace
}  // namespace caisson
