#include "orchestrator/agent/python_text.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(PythonText, CodeIsPlausible) {
  for (const char* code : {
           "print(1)",
           "x = 5; x + 1",
           "if a is not b and c:\n    return -1",
           "@cache\ndef f(n: int = 1, *args, **kw) -> int:\n    return f(n - 1) if n else 1.5",
           "'a' \"b\" f'{x}' rb'\\''",
           "x = [\n  1,\n  2,\n]",
           "s = '''one\n'two'\n'''",
           "y = ''\nz = \"\"",
           "match x:\n    case 1:\n        pass",
           "!pip install numpy pandas",
           "%timeit f(x) loops",
           "a = b \\\n  + c",
           "x != y  # isn't it?",
           "df.head()",
           "await asyncio.sleep(0)",
           "...",
       }) {
    EXPECT_TRUE(plausible_python(code)) << code;
  }
}

TEST(PythonText, ProseIsNot) {
  for (const char* prose : {
           "your code here",
           "tags.",
           "The answer is 5.",
           "Done!",
           "Let's see",
           "why?",
           ", then",
           "and",
           "x = 1\nThis sets x.",
           "print(1",
           "foo)",
           "s = 'abc",
           "s = '''abc",
           "it is a test",
           "(see below) there",
       }) {
    EXPECT_FALSE(plausible_python(prose)) << prose;
  }
}

TEST(PythonText, BeginningOfALineIsPlausibleUntilNothingCanSaveIt) {
  EXPECT_TRUE(plausible_python_so_far("print("));
  EXPECT_TRUE(plausible_python_so_far("x = 'it is"));
  EXPECT_FALSE(plausible_python_so_far("tags to run"));
}

TEST(PythonText, LexerKnowsWhatIsInsideOfAString) {
  const auto in_string_at_end = [](std::string_view code) {
    PythonLexer lexer;
    for (const char byte : code) lexer.feed(byte);
    return lexer.in_string();
  };
  EXPECT_TRUE(in_string_at_end("x = 'a"));
  EXPECT_FALSE(in_string_at_end("x = 'a' "));
  EXPECT_TRUE(in_string_at_end("'''a''"));
  EXPECT_FALSE(in_string_at_end("'''a'''x"));
  EXPECT_FALSE(in_string_at_end("''x"));
  EXPECT_TRUE(in_string_at_end("'\\'x"));
  EXPECT_FALSE(in_string_at_end("'abc\nx"));
  EXPECT_FALSE(in_string_at_end("# don't"));
}

TEST(PythonText, CleanCodeTakesFenceIndentationAndCarriageReturnsAway) {
  EXPECT_EQ(clean_code("\r\n  a\r\n\r\n    b\r\n"), "a\n\n  b");
  EXPECT_EQ(clean_code("\n```python\n  x\n  ```\n"), "x");
  EXPECT_EQ(clean_code("\n~~~\nx\n~~~"), "x");
  EXPECT_EQ(clean_code("```py\nx = 1"), "x = 1");
  EXPECT_EQ(clean_code("```bash\nls\n```"), "```bash\nls\n```");
  EXPECT_EQ(clean_code(""), "");
}

}  // namespace
}  // namespace caisson
