// caisson policy: what policies say, before anything runs under them.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"
#include "orchestrator/cli/policy_compile.h"
#include "orchestrator/cli/policy_diff.h"
#include "orchestrator/cli/policy_explain.h"
#include "orchestrator/cli/policy_learn.h"
#include "orchestrator/cli/policy_test.h"
#include "sandbox/base/json.h"
#include "sandbox/policy/bundled.h"
#include "sandbox/policy/ceiling.h"
#include "sandbox/policy/check.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/parse.h"
#include "sandbox/policy/schema.h"
#include "sandbox/policy/show.h"

namespace caisson {
namespace {

struct PolicyFlags {
  std::vector<std::string> policies;
  std::string policy;
  bool json = false;
};

std::string bundled_names() {
  std::string names;
  for (const auto& bundled : bundled_policies()) {
    names += (names.empty() ? "" : ", ") + std::string(bundled.name);
  }
  return names;
}

// What the policy has too much, for each ceiling.
std::string beyond(const Policy& policy, const CompiledPolicy& compiled,
                   const std::vector<std::string>& ceilings) {
  std::string problem;
  for (const auto& ceiling : ceilings) {
    const auto within = check_ceiling(policy, compiled, ceiling);
    if (!within) problem += (problem.empty() ? "" : "\n") + within.error().message;
  }
  return problem;
}

// One policy that was asked about: parsed, checked and compiled, with nothing started.
int check_one(const std::string& reference, const std::vector<std::string>& ceilings, bool json) {
  const auto policy = load_policy(reference);
  std::vector<Finding> findings;
  std::string problem;
  if (!policy) {
    problem = policy.error().message;
  } else {
    findings = check(*policy);
    if (has_errors(findings)) {
      problem = to_text(findings);
    } else if (const auto compiled = compile(*policy); !compiled) {
      problem = compiled.error().message;
    } else {
      problem = beyond(*policy, *compiled, ceilings);
    }
  }
  if (json) {
    nlohmann::json line{{"policy", reference}, {"ok", problem.empty()}, {"problem", problem}};
    line["findings"] = nlohmann::json::array();
    for (const auto& finding : findings) {
      line["findings"].push_back(
          {{"id", finding.id}, {"path", finding.path}, {"text", to_text(finding)}});
    }
    fmt::print("{}\n", to_text(line));
  } else if (!problem.empty()) {
    fmt::print(stderr, "{}\n", problem);
  } else {
    for (const auto& finding : findings) fmt::print(stderr, "{}\n", to_text(finding));
    fmt::print("{}: ok\n", reference);
  }
  return problem.empty() ? exit_ok : exit_usage;
}

int show_one(const std::string& reference, const std::vector<std::string>& ceilings, bool json) {
  const auto policy = load_policy(reference);
  const auto compiled = policy ? compile(*policy) : Result<CompiledPolicy>(policy.error());
  if (!compiled) {
    complain(compiled.error().message);
    return exit_usage;
  }
  if (json) {
    fmt::print("{}\n", to_text(show_json(*policy, *compiled)));
  } else {
    fmt::print("{}", show(*policy, *compiled));
    for (const auto& ceiling : ceilings) {
      const bool within = check_ceiling(*policy, *compiled, ceiling).has_value();
      fmt::print("# ceiling {}: {}\n", ceiling,
                 within ? "within" : "exceeded (policy check says by what)");
    }
  }
  return exit_ok;
}

}  // namespace

Command add_policy(CLI::App& cli, Config& config) {
  auto flags = std::make_shared<PolicyFlags>();
  auto questions = std::make_shared<ExplainFlags>();
  questions->state_dir = config.state_dir;
  auto pair = std::make_shared<DiffFlags>();
  auto tables = std::make_shared<PolicyTestFlags>();
  auto* command = cli.add_subcommand("policy", "Check policies and show what they mean");
  command->require_subcommand(1);
  command->footer(
      "A policy is a YAML file or the name of a bundled one: " + bundled_names() +
      ".\nExit status: 0 all well, 2 a policy is wrong; `diff` and `test` have their own.");
  auto* check_command = command->add_subcommand(
      "check", "Parse and compile policies, report every problem with its line");
  check_command->add_option("POLICY", flags->policies, "files or bundled names")->required();
  check_command->add_flag("--json", flags->json, "one JSON object a line, one for each policy");
  auto* show_command = command->add_subcommand(
      "show", "Print the effective policy, and for each leaf the line that said so");
  show_command->add_option("POLICY", flags->policy, "file or bundled name")->required();
  show_command->add_flag("--json", flags->json, "as JSON");
  auto* explain_command = command->add_subcommand(
      "explain", "What a policy says to a system call, a path, a host, a module, and why");
  questions->add_to(*explain_command);
  auto* diff_command =
      command->add_subcommand("diff", "What one policy grants that another does not");
  pair->add_to(*diff_command);
  auto* test_command =
      command->add_subcommand("test", "Compare policies with tables of what they should say");
  tables->add_to(*test_command);
  auto artefacts = std::make_shared<CompileFlags>();
  auto* compile_command =
      command->add_subcommand("compile", "What a policy becomes at each layer, as files");
  artefacts->add_to(*compile_command);
  auto watched = std::make_shared<LearnFlags>();
  auto* learn_command = command->add_subcommand(
      "learn", "Run trusted code, and make a policy of what it did beyond another one");
  watched->add_to(*learn_command, config);
  auto* schema_command = command->add_subcommand(
      "schema", "Print the form of a policy file as a JSON Schema, for editors");
  for (auto* each : {check_command, show_command}) add_ceiling_flag(*each, config);
  auto run = [=, &config]() -> int {
    if (learn_command->parsed()) return learn_policy(*learn_command, *watched, config);
    if (compile_command->parsed()) return compile_policy(*artefacts);
    if (schema_command->parsed()) {
      fmt::print("{}\n", policy_schema().dump(2));
      return exit_ok;
    }
    if (explain_command->parsed()) return explain_policy(*questions);
    if (diff_command->parsed()) return diff_policies(*pair);
    if (test_command->parsed()) return test_policies(*tables);
    if (show_command->parsed()) return show_one(flags->policy, config.ceilings, flags->json);
    int status = exit_ok;
    for (const auto& policy : flags->policies)
      status = std::max(status, check_one(policy, config.ceilings, flags->json));
    return status;
  };
  return {command, run};
}

}  // namespace caisson
