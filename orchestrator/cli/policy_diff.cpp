// caisson policy diff: what changes for the code when one policy takes another's place.
#include "orchestrator/cli/policy_diff.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "orchestrator/cli/event_loop.h"
#include "sandbox/base/json.h"
#include "sandbox/policy/diff.h"
#include "sandbox/policy/parse.h"

namespace caisson {
namespace {

constexpr int exit_looser = 2;

const char* word(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::grants:
      return "grants";
    case Difference::Kind::revokes:
      return "revokes";
    case Difference::Kind::changes:
      return "changes";
  }
  return "";
}

}  // namespace

void DiffFlags::add_to(CLI::App& command) {
  command.add_option("FROM", from, "the policy as it is: file or bundled name")->required();
  command.add_option("TO", to, "the policy that takes its place")->required();
  command.add_flag("--json", json, "one JSON object a line, one for each difference");
  command.footer(
      "Compares what both compile to: every system call, every path, every limit.\n\n"
      "Example:\n  caisson policy diff strict mine.yaml\n\n"
      "Exit status: 0 TO grants no more than FROM, 2 it does, 3 a policy is wrong.");
}

int diff_policies(const DiffFlags& flags) {
  constexpr int exit_wrong = 3;
  const auto one = load_policy(flags.from);
  const auto other = load_policy(flags.to);
  for (const auto* policy : {&one, &other}) {
    if (!*policy) {
      complain(policy->error().message);
      return exit_wrong;
    }
  }
  const auto from = compile(*one);
  const auto to = compile(*other);
  for (const auto* compiled : {&from, &to}) {
    if (!*compiled) {
      complain(compiled->error().message);
      return exit_wrong;
    }
  }
  const auto differences = diff({*one, *from}, {*other, *to});
  if (!differences) {
    complain(differences.error().message);
    return exit_wrong;
  }
  if (flags.json) {
    for (const auto& each : *differences) {
      fmt::print("{}\n", to_text(nlohmann::json{{"kind", word(each.kind)},
                                                {"leaf", each.leaf},
                                                {"text", each.text},
                                                {"rule", each.rule}}));
    }
  } else {
    for (const auto kind :
         {Difference::Kind::grants, Difference::Kind::revokes, Difference::Kind::changes}) {
      bool first = true;
      for (const auto& each : *differences) {
        if (each.kind != kind) continue;
        if (std::exchange(first, false)) fmt::print("{}:\n", word(kind));
        fmt::print("  {:<52} # {}\n", each.text, each.rule);
      }
    }
    if (differences->empty()) fmt::print("{} and {} allow the same\n", flags.from, flags.to);
  }
  return is_looser(*differences) ? exit_looser : exit_ok;
}

}  // namespace caisson
