#include "orchestrator/agent/blocks.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace caisson {
namespace {

struct Scanned {
  Scan scan;
  std::string shown;      // prose and block pieces
  std::string prose;      // prose pieces
  std::string reasoning;  // reasoning pieces
  bool operator==(const Scanned&) const = default;
};

Scanned scan_pieces(const std::vector<std::string>& texts, Scanner::Options options = {},
                    TextEnd end = TextEnd::whole) {
  Scanner scanner(options);
  std::vector<Piece> pieces;
  for (const auto& text : texts) {
    for (auto& piece : scanner.feed(text)) pieces.push_back(piece);
  }
  Scanned result;
  result.scan = scanner.finish(end, pieces);
  for (const auto& piece : pieces) {
    if (piece.part == Piece::Part::reasoning) {
      result.reasoning += piece.text;
    } else {
      result.shown += piece.text;
      if (piece.part == Piece::Part::prose) result.prose += piece.text;
    }
  }
  return result;
}

// The result, after checking that it is the same byte by byte and for every two-way split.
Scanned scan(const std::string& text, Scanner::Options options = {}, TextEnd end = TextEnd::whole) {
  const auto whole = scan_pieces({text}, options, end);
  std::vector<std::string> bytes;
  for (const char byte : text) bytes.emplace_back(1, byte);
  EXPECT_EQ(scan_pieces(bytes, options, end), whole) << "byte by byte: " << text;
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    EXPECT_EQ(scan_pieces({text.substr(0, cut), text.substr(cut)}, options, end), whole)
        << "cut at " << cut << ": " << text;
  }
  return whole;
}

std::string only_block(const std::string& text, Scanner::Options options = {}) {
  const auto result = scan(text, options).scan;
  EXPECT_EQ(result.status, ScanStatus::code) << text;
  return result.blocks.size() == 1 ? result.blocks[0]
                                   : std::to_string(result.blocks.size()) + " blocks";
}

Scanner::Options with_mode(ScanMode mode) {
  return {.mode = mode};
}

void check_table(ScanMode mode, const char* key) {
  std::ifstream file(CAISSON_SOURCE_DIR "/tests/cases/blocks/parse_cases.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const auto row = nlohmann::json::parse(line);
    const auto end = row["finish"] == "length" ? TextEnd::cut : TextEnd::whole;
    const auto result = scan(row["input"], with_mode(mode), end).scan;
    const auto& expected = row[key];
    EXPECT_EQ(name(result.status), expected["status"].get<std::string>()) << row["name"];
    const nlohmann::json code =
        result.blocks.empty() ? nlohmann::json() : nlohmann::json(result.blocks[0]);
    EXPECT_EQ(code, expected["code"]) << row["name"];
  }
  EXPECT_EQ(cases, 28);
}

TEST(Scanner, TableOfRepliesInModeFirstUnderEverySplit) {
  check_table(ScanMode::first, "first");
}
TEST(Scanner, S58_TableOfRepliesInModeJoinUnderEverySplit) {
  check_table(ScanMode::join, "join");
}

TEST(Scanner, S57_BlockMayHaveManyLinesAndEndsAtItsFirstClosingTag) {
  EXPECT_EQ(only_block("<execute>\na = 1\nb = 2\n</execute> and </execute>"), "a = 1\nb = 2");
}

TEST(Scanner, S59_ReplyWithoutBlockIsAnAnswer) {
  const auto result = scan("The sum is 55.");
  EXPECT_EQ(result.scan.status, ScanStatus::none);
  EXPECT_EQ(result.scan.text, "The sum is 55.");
}

TEST(Scanner, S60_D11_EmptyBlockIsReportedAndIsNoAnswer) {
  EXPECT_EQ(scan("<execute></execute>").scan.status, ScanStatus::empty);
  EXPECT_EQ(scan("Look:\n<execute>\n...\n</execute>").scan.status, ScanStatus::empty);
}

TEST(Scanner, ModeFirstHasEnoughAtTheVeryByteThatClosesTheBlock) {
  Scanner scanner;
  const std::string text = "I add.\n<execute>\n1 + 1\n</execute>";
  for (const char byte : text) {
    EXPECT_FALSE(scanner.enough());
    scanner.feed({&byte, 1});
  }
  EXPECT_TRUE(scanner.enough());
}

TEST(Scanner, D13_ModeFirstNeverSeesWhatTheModelInventsAfterItsBlock) {
  const auto result = scan("<execute>x=f()</execute>\nResult:\n3\n<execute>print(4)</execute>");
  EXPECT_EQ(result.scan.blocks, std::vector<std::string>{"x=f()"});
  EXPECT_EQ(result.shown, "<execute>x=f()</execute>");
  EXPECT_EQ(result.scan.text, result.shown);
}

TEST(Scanner, ModeEachKeepsBlocksApart) {
  const auto result = scan("<execute>a=1</execute> then\n<execute>\na\n</execute>\ndone",
                           with_mode(ScanMode::each));
  EXPECT_EQ(result.scan.blocks, (std::vector<std::string>{"a=1", "a"}));
  EXPECT_EQ(result.prose, " then\n\ndone");
}

TEST(Scanner, ProseIsShownAsSoonAsItCannotBeATag) {
  Scanner scanner;
  EXPECT_EQ(scanner.feed("if a <"), (std::vector<Piece>{{Piece::Part::prose, "if a "}}));
  EXPECT_EQ(scanner.feed("ex"), std::vector<Piece>{});
  EXPECT_EQ(scanner.feed("tra>"), (std::vector<Piece>{{Piece::Part::prose, "<extra>"}}));
}

TEST(Scanner, ConcatenationOfPiecesIsTheReply) {
  const std::string text = "One\n<execute>\n1\n</execute>\nTwo </b> <exec <execute>x y</execute>";
  EXPECT_EQ(scan(text, with_mode(ScanMode::join)).shown, text);
}

TEST(Scanner, ProseThatMentionsTheTagIsNoBlock) {
  for (const std::string mention : {
           "I wrap code in <execute>your code here</execute> tags.",
           "I wrap code in <execute>code</execute> tags.",
           "The `<execute>` tag runs code",
           "Use `<execute>print(1)</execute>` for that.",
           "Use <execute> and </execute> for that.",
           "Write <execute>, then the code",
           "A block begins with <execute>",
           "I used the <execute> tags\nto get the answer.",
           "请在<execute>代码</execute>标签之间编写代码。",
           "<execute>...</execute> is where code goes",
       }) {
    const auto result = scan(mention);
    EXPECT_EQ(result.scan.status, ScanStatus::none) << mention;
    EXPECT_EQ(result.prose, mention);
  }
}

TEST(Scanner, BlockAfterAMentionOnTheSameLineIsFound) {
  EXPECT_EQ(only_block("Use <execute> tags.\n<execute>print(1)</execute>"), "print(1)");
  EXPECT_EQ(only_block("The <execute> tag: <execute>print(1)</execute>"), "print(1)");
}

TEST(Scanner, CodeMayBeginOnTheLineOfTheTag) {
  EXPECT_EQ(only_block("Now: <execute>import math\nmath.pi</execute>"), "import math\nmath.pi");
  EXPECT_EQ(only_block("Now: <execute>\nx\n</execute>"), "x");
  EXPECT_EQ(only_block("<execute> x = 1\nx</execute>"), "x = 1\nx");
}

TEST(Scanner, ClosingTagInsideOfAStringIsCode) {
  const std::string code = "s = '''\n</execute>\n'''\nt = \"it's </execute>\"\nu = r'\\'";
  EXPECT_EQ(only_block("<execute>\n" + code + "'\n</execute>"), code + "'");
}

TEST(Scanner, QuoteInACommentOpensNoString) {
  EXPECT_EQ(only_block("<execute>\nx = 1  # don't\n</execute>"), "x = 1  # don't");
}

TEST(Scanner, ClosingTagInACommentCloses) {
  EXPECT_EQ(only_block("<execute>x = 1 # done</execute>"), "x = 1 # done");
}

TEST(Scanner, StringThatIsNeverClosedDoesNotSwallowTheReply) {
  const auto result = scan("<execute>\nx = '''abc\n</execute>\nThe result is 3");
  EXPECT_EQ(result.scan.blocks, std::vector<std::string>{"x = '''abc"});
  EXPECT_EQ(result.scan.text, "<execute>\nx = '''abc\n</execute>");
  const auto joined =
      scan("<execute>\nx = '''abc\n</execute>\n<execute>y</execute>", with_mode(ScanMode::join));
  EXPECT_EQ(joined.scan.blocks, std::vector<std::string>{"x = '''abc\n\ny"});
}

TEST(Scanner, CutBlockNeverRuns) {
  EXPECT_EQ(scan("<execute>\nx = 1\n", {}, TextEnd::cut).scan.status, ScanStatus::truncated);
  EXPECT_EQ(scan("<execute>", {}, TextEnd::cut).scan.status, ScanStatus::truncated);
  const auto each =
      scan("<execute>a</execute>\n<execute>b", with_mode(ScanMode::each), TextEnd::cut);
  EXPECT_EQ(each.scan.blocks, std::vector<std::string>{"a"});
}

TEST(Scanner, BlockWithoutEndRunsOnlyIfItCanBePython) {
  EXPECT_EQ(only_block("<execute>\nfor i in x:\n    print(i)\n"), "for i in x:\n    print(i)");
  EXPECT_EQ(scan("<execute>\nx = 1\n\nThis sets x.").scan.status, ScanStatus::unclosed);
  EXPECT_EQ(scan("<execute>\nprint(1").scan.status, ScanStatus::unclosed);
}

TEST(Scanner, ReasoningIsNeitherScannedNorPartOfTheText) {
  const auto result = scan("<think>\n<execute>rm()</execute>\n</think>\n<execute>1</execute>");
  EXPECT_EQ(result.scan.blocks, std::vector<std::string>{"1"});
  EXPECT_EQ(result.scan.text, "\n<execute>1</execute>");
  EXPECT_EQ(result.reasoning, "<think>\n<execute>rm()</execute>\n</think>");
  EXPECT_EQ(scan("<think>\n<execute>rm()</execute>").scan.status, ScanStatus::none);
}

TEST(Scanner, ReasoningThatTheTemplateOpened) {
  const Scanner::Options options{.begins_in_reasoning = true};
  EXPECT_EQ(only_block("so <execute>no()</execute></think>\n<execute>1</execute>", options), "1");
  const auto late =
      scan("so\n<execute>no()</execute>\n</think>\nIt is 2.", with_mode(ScanMode::join));
  EXPECT_EQ(late.scan.status, ScanStatus::none);
  EXPECT_EQ(late.scan.text, "\nIt is 2.");
}

TEST(Scanner, S105_MarkdownFenceAsDelimiter) {
  const Scanner::Options options{.delimiters = Delimiters::fence("python")};
  EXPECT_EQ(only_block("Here:\n```python\ns='''\n```\n'''\nprint(1)\n```", options),
            "s='''\n```\n'''\nprint(1)");
  EXPECT_EQ(only_block("```python  \r\nx\r\n```", options), "x");
  EXPECT_EQ(scan("```bash\nls\n```\nand ```python\nx", options).scan.status, ScanStatus::none);
}

TEST(Scanner, S105_LinesAsDelimiters) {
  const Scanner::Options options{.delimiters = Delimiters::lines("Action:", "End Action")};
  EXPECT_EQ(only_block("Thought: x\nAction:\nprint('End Action')\nEnd Action\nEnd", options),
            "print('End Action')");
  EXPECT_EQ(scan("My Action: none\nEnd Action", options).scan.status, ScanStatus::none);
}

TEST(Scanner, OtherTagNames) {
  const Scanner::Options options{.delimiters = Delimiters::tags("python")};
  EXPECT_EQ(only_block("<execute>no</execute>\n<python>1</python>", options), "1");
}

TEST(Scanner, TextOfAnyShapeIsTheSameUnderEverySplitAndLosesNothing) {
  const std::vector<std::string> words = {
      "<execute>",   "</execute>", "<think>", "</think>", "<exec",  "\n", " ", "'", "\"\"\"", "# ",
      "```python\n", "x",          "= 1",     "...",      "prose ", "\\", "(", ")", "数",     "`"};
  std::mt19937 random(7);  // fixed: the same texts in every run
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (int word = 0; word < 12; ++word) text += words[random() % words.size()];
    for (const auto mode : {ScanMode::first, ScanMode::join}) {
      for (const auto end : {TextEnd::whole, TextEnd::cut}) {
        const auto result = scan(text, with_mode(mode), end);
        EXPECT_EQ(result.scan.blocks.empty(), result.scan.status != ScanStatus::code) << text;
        if (mode == ScanMode::first) continue;
        EXPECT_EQ(result.shown.size() + result.reasoning.size(), text.size()) << text;
      }
    }
  }
}

TEST(Scanner, LongLineOfMentionsIsReadInLinearTime) {
  std::string text = "x ";
  for (int i = 0; i < 20000; ++i) text += "<execute>a=";
  const auto result = scan_pieces({text});
  EXPECT_EQ(result.shown, text);
  std::string spaces = "<execute>" + std::string(200000, ' ');
  EXPECT_EQ(scan_pieces({spaces}).shown, spaces);
}

}  // namespace
}  // namespace caisson
