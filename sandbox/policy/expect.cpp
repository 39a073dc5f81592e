#include "sandbox/policy/expect.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "sandbox/policy/explain.h"
#include "sandbox/policy/parse.h"
#include "sandbox/policy/yaml.h"

namespace caisson {
namespace {

std::optional<Question::Kind> kind_of(const std::string& word) {
  if (word == "syscall") return Question::Kind::syscall;
  if (word == "open") return Question::Kind::open;
  if (word == "connect") return Question::Kind::connect;
  if (word == "import") return Question::Kind::import;
  if (word == "limit") return Question::Kind::limit;
  return std::nullopt;
}

Error at(const std::string& file, int line, std::string_view text) {
  return Error(Errc::bad_input, fmt::format("{}:{}: {}", file, line, text));
}

const YamlNode* value_of(const YamlNode& map, std::string_view key) {
  for (const auto& entry : map.entries) {
    if (entry.key.text == key) return &entry.value;
  }
  return nullptr;
}

// "allow", "EPERM", "512Mi"
std::string brief(const Explanation& explanation) {
  if (explanation.verdict == Explanation::Verdict::allow) return "allow";
  return explanation.value.empty() ? explanation.error : explanation.value;
}

Result<Expectation> run_row(const std::string& file, const YamlNode& row, const Policy& policy,
                            const CompiledPolicy& compiled) {
  constexpr auto form = "a row is {syscall|open|connect|import|limit: QUESTION, is: ANSWER}";
  const auto* expected = value_of(row, "is");
  if (row.entries.size() != 2 || expected == nullptr || expected->kind != YamlNode::Kind::text) {
    return at(file, row.line, form);
  }
  Expectation expectation;
  expectation.line = row.line;
  expectation.expected = expected->text;
  const auto& asked = row.entries[row.entries[0].key.text == "is" ? 1 : 0];
  const auto kind = kind_of(asked.key.text);
  if (!kind || asked.value.kind != YamlNode::Kind::text) return at(file, row.line, form);
  const auto question = read_question(*kind, asked.value.text);
  if (!question) return at(file, row.line, question.error().message);
  const auto answer = explain(policy, compiled, *question);
  if (!answer) return at(file, row.line, answer.error().message);
  expectation.question = answer->question;
  expectation.got = brief(*answer);
  expectation.rule = answer->rule;
  expectation.met =
      expectation.expected == expectation.got ||
      (expectation.expected == "deny" && answer->verdict == Explanation::Verdict::deny);
  return expectation;
}

}  // namespace

Result<ExpectedTable> run_expectations(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) return Error(Errc::not_found, fmt::format("{} cannot be read", file));
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  std::vector<Finding> findings;
  const auto root = read_yaml(text, file, findings);
  if (has_errors(findings)) return Error(Errc::bad_input, to_text(findings));
  const auto* name = value_of(root, "policy");
  const auto* rows = value_of(root, "expect");
  if (name == nullptr || name->kind != YamlNode::Kind::text || rows == nullptr ||
      rows->kind != YamlNode::Kind::list) {
    return at(file, std::max(root.line, 1), "a table has `policy: NAME` and `expect:` with rows");
  }
  ExpectedTable table;
  table.policy = name->text;
  const auto policy =
      load_policy(table.policy, {std::filesystem::path(file).parent_path().string()});
  if (!policy) return policy.error();
  const auto compiled = compile(*policy);
  if (!compiled) return compiled.error();
  for (const auto& row : rows->items) {
    auto expectation = run_row(file, row, *policy, *compiled);
    if (!expectation) return expectation.error();
    table.rows.push_back(std::move(*expectation));
  }
  return table;
}

}  // namespace caisson
