#include "orchestrator/chat/prompt.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace caisson {
namespace {

const PromptFunction add{"add", "(a: int, b: int) -> int", "Adds two numbers."};

std::filesystem::path test_data() {
  if (const char* set = std::getenv("CAISSON_TEST_DATA")) return set;
  return std::filesystem::path(CAISSON_SOURCE_DIR) / "../shared/data";
}

std::string render(std::string_view text, const std::vector<PromptFunction>& functions) {
  const auto prompt = render_prompt(text, functions);
  EXPECT_TRUE(prompt) << prompt.error().message;
  return prompt ? *prompt : "";
}

TEST(Prompt, S48_S49_S52_S53_S54_S55_ArticlesPromptByteForByte) {
  const auto path = test_data() / "agent/golden_prompt_zh.txt";
  std::ifstream file(path, std::ios::binary);
  if (!file) GTEST_SKIP() << "no " << path << "; set CAISSON_TEST_DATA to the folder of test data";
  const std::string golden(std::istreambuf_iterator<char>(file), {});
  // The article's template is what stands before its functions and after them.
  const auto begin = golden.find("def add");
  const std::string last_line = "    ...\n";
  const auto end = golden.rfind(last_line) + last_line.size() - 1;
  const auto text = golden.substr(0, begin) + "{fn_str}" + golden.substr(end);
  const std::string ints = "(a: int, b: int) -> int";
  EXPECT_EQ(render(text, {{"add", ints, "将两个数字相加"},
                          {"subtract", ints, "两个数字相减"},
                          {"multiply", ints, "两个数字相乘"},
                          {"divide", "(a: int, b: int) -> float", "两个数字相除"}}),
            golden);
}

TEST(Prompt, S48_FunctionIsADefWithItsDocstring) {
  EXPECT_EQ(render_function(add),
            "def add(a: int, b: int) -> int:\n    \"\"\" Adds two numbers. \"\"\"\n    ...");
}

TEST(Prompt, S15_DocstringInAnyScriptReachesThePromptUnchanged) {
  const auto text = render_function({"f", "()", "将两个数字相加 – naïve 🙂"});
  EXPECT_NE(text.find("\"\"\" 将两个数字相加 – naïve 🙂 \"\"\""), std::string::npos);
}

TEST(Prompt, S50_SignaturesAreVerbatim) {
  for (const char* signature : {"()", "(*args, **kwargs)", "(x, /, y=1, *, z: str = 'a')",
                                "(a: list[dict[str, int]]) -> None",
                                "(f: Callable[[int], str] = <function g>)", "(d={'a': {1}})"}) {
    EXPECT_EQ(render_function({"f", signature, ""}),
              std::string("def f") + signature + ":\n    ...");
  }
}

TEST(Prompt, D12_FunctionWithoutDocHasNoDocstring) {
  EXPECT_EQ(render_function({"f", "()", ""}), "def f():\n    ...");
  EXPECT_EQ(render_function({"f", "()", " \n"}), "def f():\n    ...");
}

TEST(Prompt, D12_S51_OtherBracesOfATemplateStayAsTheyAre) {
  EXPECT_EQ(render("{x} {{y}} {} {0} {fn_str} {fn_str", {{"f", "()", ""}}),
            "{x} {{y}} {} {0} def f():\n    ... {fn_str");
}

TEST(Prompt, FunctionsThatMentionThePlaceAreNotExpandedAgain) {
  EXPECT_EQ(render("{fn_str}", {{"f", "()", "{fn_str}"}}),
            "def f():\n    \"\"\" {fn_str} \"\"\"\n    ...");
}

TEST(Prompt, S44_NoFunctionsLeaveThePlaceEmpty) {
  EXPECT_EQ(render("a{fn_str}b", {}), "ab");
}

TEST(Prompt, S51_TemplateWithoutAPlaceForFunctionsIsAnError) {
  const auto prompt = render_prompt("Be nice.", {add});
  ASSERT_FALSE(prompt);
  EXPECT_EQ(prompt.error().code, Errc::bad_input);
  EXPECT_NE(prompt.error().message.find("{fn_str}"), std::string::npos);
  EXPECT_TRUE(render_prompt("Be nice.", {}));
}

TEST(Prompt, TripleQuotesInADocDoNotEndIt) {
  EXPECT_EQ(render_function({"f", "()", R"(a """b""" c)"}),
            "def f():\n    \"\"\" a \\\"\\\"\\\"b\\\"\\\"\\\" c \"\"\"\n    ...");
}

TEST(Prompt, NamesThatPythonDoesNotTakeAreChanged) {
  EXPECT_EQ(python_name("add"), "add");
  EXPECT_EQ(python_name("get-weather.v2"), "get_weather_v2");
  EXPECT_EQ(python_name("2d"), "_2d");
  EXPECT_EQ(python_name("class"), "class_");
  EXPECT_EQ(python_name(""), "_");
  EXPECT_EQ(python_name("max"), "max");
}

TEST(Prompt, S52_S53_S54_S55_DefaultTemplateSaysWhatTheArticlesSays) {
  const std::vector<PromptFunction> functions = {add};
  const auto prompt = render(default_prompt_template({}, functions), functions);
  EXPECT_NE(prompt.find("helpful assistant that can execute code"), std::string::npos);
  const auto tags = prompt.find("<execute>...</execute>");
  EXPECT_NE(tags, std::string::npos);
  EXPECT_NE(prompt.find("<execute>...</execute>", tags + 1), std::string::npos);
  EXPECT_NE(prompt.find("Variables, functions and imports live on"), std::string::npos);
  EXPECT_NE(prompt.find(render_function(add)), std::string::npos);
}

TEST(Prompt, DefaultTemplateGivesLimitsInNumbers) {
  const PromptFacts facts{.wall = std::chrono::seconds(30),
                          .memory_bytes = 512U << 20U,
                          .output_bytes = 16U << 10U,
                          .max_iterations = 20,
                          .network = "There is no network.",
                          .modules = {"numpy"}};
  const auto text = default_prompt_template(facts, {});
  for (const char* part : {"30 s", "512 MiB", "16 KiB", "20 replies", "no network", "numpy"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(default_prompt_template({}, {}).find("limits"), std::string::npos);
}

TEST(Prompt, DefaultTemplateNamesFunctionsThatHidePythonsOwn) {
  const auto text = default_prompt_template({}, {{"max", "(a, b)", ""}, add});
  EXPECT_NE(text.find("Of these, max stand"), std::string::npos);
}

}  // namespace
}  // namespace caisson
