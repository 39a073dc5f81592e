#include "sandbox/policy/yaml.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

std::string problems(const std::string& text) {
  std::vector<Finding> findings;
  read_yaml(text, "a.yaml", findings);
  return to_text(findings);
}

TEST(Yaml, AnAliasStandsForWhatItNames) {
  std::vector<Finding> findings;
  const auto root = read_yaml("a: &x [1, 2]\nb: *x\n", "a.yaml", findings);
  ASSERT_TRUE(findings.empty()) << to_text(findings);
  ASSERT_EQ(root.entries.size(), 2U);
  EXPECT_EQ(root.entries[1].value.items.size(), 2U);
  EXPECT_EQ(root.entries[1].value.items[1].text, "2");
}

TEST(Yaml, AliasesThatMultiplyAreStopped) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [";
    for (int j = 0; j < 10; ++j) bomb += (j == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_EQ(problems(bomb), "a.yaml:5:10: more than 20000 values, aliases included");
}

TEST(Yaml, AnAliasCannotStandForWhatItIsPartOf) {
  EXPECT_NE(problems("a: &x [1, *x]\n"), "");
}

TEST(Yaml, DepthIsLimited) {
  EXPECT_EQ(problems(std::string(16, '[') + std::string(16, ']')), "");
  EXPECT_EQ(problems(std::string(17, '[') + std::string(17, ']')),
            "a.yaml:1:17: nested deeper than 16 levels");
  EXPECT_NE(problems(std::string(100000, '[')), "");
}

TEST(Yaml, SizeIsLimited) {
  EXPECT_EQ(problems(std::string(max_yaml_bytes, ' ')), "");
  EXPECT_EQ(problems(std::string(max_yaml_bytes + 1, ' ')),
            "a.yaml: larger than 256 KiB: this is no policy");
}

TEST(Yaml, BytesThatAreNoTextAreNamedWithTheirPlace) {
  EXPECT_EQ(problems("a: 1\nb: \xff\n"), "a.yaml:2:4: not UTF-8 (save the file as UTF-8)");
  EXPECT_EQ(problems(std::string("a: 1\nb: \0\n", 10)), "a.yaml:2:4: a NUL byte (delete it)");
}

// Whatever stands in a file, reading it ends, and either nothing is wrong or it is said where.
TEST(Yaml, EveryPrefixOfAPolicyIsReadOrRefused) {
  const std::string text =
      "version: 1\nextends: [strict, './a b.yaml']\nenv: {A: \"x\\ty\", B: &b 'it''s', C: *b}\n"
      "filesystem:\n  mounts:\n    /tmp: {size: 1Mi}\n  read+:\n    - /data\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    for (const char replacement : {'{', ']', '&', '*', '\t', '\xC3'}) {
      auto changed = text.substr(0, size);
      std::vector<Finding> findings;
      read_yaml(changed, "a.yaml", findings);
      if (size < text.size()) {
        changed = text;
        changed[size] = replacement;
        read_yaml(changed, "a.yaml", findings);
      }
      for (const auto& finding : findings) EXPECT_GT(finding.where.line, 0) << to_text(finding);
    }
  }
}

}  // namespace
}  // namespace caisson
