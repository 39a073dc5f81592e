#include "sandbox/policy/expect.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "sandbox/policy/explain.h"
#include "sandbox/policy/parse.h"

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

Error at(const std::string& file, const YAML::Mark& mark, std::string_view text) {
  return Error(Errc::bad_input, fmt::format("{}:{}: {}", file, mark.line + 1, text));
}

// "allow", "EPERM", "512Mi"
std::string brief(const Explanation& explanation) {
  if (explanation.verdict == Explanation::Verdict::allow) return "allow";
  return explanation.value.empty() ? explanation.error : explanation.value;
}

Result<Expectation> run_row(const std::string& file, const YAML::Node& row, const Policy& policy,
                            const CompiledPolicy& compiled) {
  constexpr auto form = "a row is {syscall|open|connect|import|limit: QUESTION, is: ANSWER}";
  if (!row.IsMap() || row.size() != 2 || !row["is"] || !row["is"].IsScalar()) {
    return at(file, row.Mark(), form);
  }
  Expectation expectation;
  expectation.line = row.Mark().line + 1;
  expectation.expected = row["is"].Scalar();
  for (const auto& entry : row) {
    const auto word = entry.first.Scalar();
    if (word == "is") continue;
    const auto kind = kind_of(word);
    if (!kind || !entry.second.IsScalar()) return at(file, row.Mark(), form);
    const auto question = read_question(*kind, entry.second.Scalar());
    if (!question) return at(file, row.Mark(), question.error().message);
    const auto answer = explain(policy, compiled, *question);
    if (!answer) return at(file, row.Mark(), answer.error().message);
    expectation.question = answer->question;
    expectation.got = brief(*answer);
    expectation.rule = answer->rule;
    expectation.met =
        expectation.expected == expectation.got ||
        (expectation.expected == "deny" && answer->verdict == Explanation::Verdict::deny);
  }
  return expectation;
}

}  // namespace

Result<ExpectedTable> run_expectations(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) return Error(Errc::not_found, fmt::format("{} cannot be read", file));
  std::ostringstream text;
  text << stream.rdbuf();
  YAML::Node root;
  try {
    root = YAML::Load(text.str());
  } catch (const YAML::Exception& error) {
    return at(file, error.mark, error.msg);
  }
  if (!root.IsMap() || !root["policy"] || !root["policy"].IsScalar() || !root["expect"] ||
      !root["expect"].IsSequence()) {
    return Error(Errc::bad_input,
                 fmt::format("{}: a table has `policy: NAME` and `expect:` with rows", file));
  }
  ExpectedTable table;
  table.policy = root["policy"].Scalar();
  const auto policy =
      load_policy(table.policy, {std::filesystem::path(file).parent_path().string()});
  if (!policy) return policy.error();
  const auto compiled = compile(*policy);
  if (!compiled) return compiled.error();
  for (const auto& row : root["expect"]) {
    auto expectation = run_row(file, row, *policy, *compiled);
    if (!expectation) return expectation.error();
    table.rows.push_back(std::move(*expectation));
  }
  return table;
}

}  // namespace caisson
