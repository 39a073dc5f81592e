#include "orchestrator/cli/repl_text.h"

#include <gtest/gtest.h>

#include <vector>

namespace caisson {
namespace {

std::vector<std::string> blocks(Typing typing, std::string_view text) {
  std::vector<std::string> all;
  BlockLines lines(typing);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (lines.add(text.substr(0, end))) all.push_back(lines.take());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (lines.begun()) all.push_back(lines.take());
  return all;
}

using Strings = std::vector<std::string>;

TEST(ReplText, AtATerminalASimpleStatementIsWholeAtTheEndOfItsLine) {
  EXPECT_EQ(blocks(Typing::lines, "x = 1\n\nx\n# nothing:\n"),
            (Strings{"x = 1\n", "x\n", "# nothing:\n"}));
}

TEST(ReplText, ACompoundStatementEndsWithAnEmptyLine) {
  EXPECT_EQ(blocks(Typing::lines, "for i in x:  # all\n    i\n\n1\n"),
            (Strings{"for i in x:  # all\n    i\n\n", "1\n"}));
  EXPECT_EQ(blocks(Typing::lines, "@wraps\ndef f():\n    1\n\n"),
            Strings{"@wraps\ndef f():\n    1\n\n"});
}

TEST(ReplText, BracketsStringsAndBackslashesGoOn) {
  for (const std::string text : {"f(1,\n\n  2)\n", "'''a\n\nb'''\n", "x = \"\"\"\n(\n\"\"\"\n",
                                 "1 + \\\n2\n", "{'a': '}',\n}\n"}) {
    EXPECT_EQ(blocks(Typing::lines, text), Strings{text});
  }
}

TEST(ReplText, WhatLooksLikeOneInAStringIsNone) {
  for (const std::string text :
       {"'(' + \"[\"\n", "'\\'('\n", "x = {1: 2}['a:']\n", "'# ('\n", "1  # (\n"}) {
    EXPECT_EQ(blocks(Typing::lines, text + "2\n"), (Strings{text, "2\n"})) << text;
  }
}

TEST(ReplText, InAPipeEmptyLinesSeparateBlocks) {
  EXPECT_EQ(blocks(Typing::blocks, "\n\na = 1\nb = 2\n\n\nc\n(1,\n\n2)\n"),
            (Strings{"a = 1\nb = 2\n\n", "c\n(1,\n\n2)\n"}));
}

}  // namespace
}  // namespace caisson
