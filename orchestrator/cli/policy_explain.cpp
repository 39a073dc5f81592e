// caisson policy explain: questions to a policy, answered by what it compiles to.
#include "orchestrator/cli/policy_explain.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"
#include "orchestrator/cli/terminal.h"
#include "sandbox/base/json.h"
#include "sandbox/policy/explain.h"
#include "sandbox/policy/parse.h"
#include "sandbox/session/denial_log.h"

namespace caisson {
namespace {

const char* word(Explanation::Verdict verdict) {
  switch (verdict) {
    case Explanation::Verdict::allow:
      return "allow";
    case Explanation::Verdict::deny:
      return "deny";
    case Explanation::Verdict::limit:
      return "limit";
  }
  return "";
}

nlohmann::json to_json(const Explanation& explanation) {
  return {{"question", explanation.question}, {"verdict", word(explanation.verdict)},
          {"layer", explanation.layer},       {"error", explanation.error},
          {"value", explanation.value},       {"rule", explanation.rule},
          {"sees", explanation.sees},         {"fix", explanation.fix}};
}

void print(const Explanation& explanation) {
  std::string head = word(explanation.verdict);
  if (!explanation.error.empty()) head += ", " + explanation.error;
  if (!explanation.value.empty()) head += ", " + explanation.value;
  fmt::print("{}: {}\n", explanation.question, head);
  fmt::print("  by     {}: {}\n", explanation.layer, explanation.rule);
  if (!explanation.sees.empty()) fmt::print("  gives  {}\n", explanation.sees);
  if (explanation.verdict == Explanation::Verdict::allow) return;
  fmt::print("  other  {}\n",
             explanation.fix.empty() ? "no policy can change that" : explanation.fix);
}

void print_denial(const nlohmann::json& record) {
  const auto text = [&record](const char* key) { return get_string(record, key); };
  const auto number = [&record](const char* key) {
    const auto found = record.find(key);
    return found != record.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
  };
  const auto error = text("error").empty() ? "" : ", " + text("error");
  const auto count = number("count") > 1 ? fmt::format(", {} times", number("count")) : "";
  const auto session =
      text("session").empty() ? "" : fmt::format(" of session {}", text("session"));
  fmt::print("{}: {}{}{}\n", text("id"), printable(text("subject")), error, count);
  fmt::print("  when   {}, block {}{}, sandbox {}, policy {}\n", text("time"), number("block"),
             session, text("sandbox"), text("policy"));
  fmt::print("  by     {}: {}\n", text("layer"), text("rule"));
  fmt::print("  gives  {}\n", printable(text("hint")));
  fmt::print("  other  {}\n", text("fix").empty() ? "no policy can change that" : text("fix"));
}

int explain_denials(const ExplainFlags& flags) {
  const DenialLog log(flags.state_dir);
  int status = exit_ok;
  for (const auto& id : flags.denials) {
    const auto record = log.find(id);
    if (!record) {
      complain(record.error().message);
      status = exit_usage;
    } else if (flags.json) {
      fmt::print("{}\n", json_line(*record));
    } else {
      print_denial(*record);
    }
  }
  return status;
}

}  // namespace

void ExplainFlags::add_to(CLI::App& command) {
  command.add_option("--policy", policy, "a bundled policy or a file")->type_name("POLICY");
  command.add_option("--syscall", syscalls, "NAME[:ARG[,ARG...]], such as socket:AF_INET")
      ->type_name("CALL");
  command.add_option("--open", opens, "absolute path, to read; :w to write, :x to start")
      ->type_name("PATH[:r|w|x]");
  command.add_option("--connect", connects, "a host and a port")->type_name("HOST:PORT");
  command.add_option("--import", imports, "a Python module")->type_name("MODULE");
  command.add_option("--limit", limits, "memory, pids, nofile, block ...")->type_name("LIMIT");
  command.add_option("--denial", denials, "id of a denial of this host, or last")->type_name("ID");
  command.add_option("--state-dir", state_dir, "where sandboxes and their denials are kept");
  command.add_flag("--json", json, "one JSON object a line, one for each question");
  command.footer(
      "Asks what the policy compiles to: the filter is run, the Landlock rules are walked.\n\n"
      "Example:\n  caisson policy explain --policy strict --syscall socket:AF_INET --open "
      "/etc/passwd:w\n  caisson policy explain --denial last\n\nExit status: 0 answered, 2 a "
      "question or the policy is wrong.");
}

int explain_policy(const ExplainFlags& flags) {
  const bool asks = !flags.syscalls.empty() || !flags.opens.empty() || !flags.connects.empty() ||
                    !flags.imports.empty() || !flags.limits.empty();
  const int of_denials = explain_denials(flags);
  if (!asks && !flags.denials.empty()) return of_denials;
  if (flags.policy.empty()) {
    complain("which policy? (--policy strict, or a file; or --denial ID)");
    return exit_usage;
  }
  const auto policy = load_policy(flags.policy);
  const auto compiled = policy ? compile(*policy) : Result<CompiledPolicy>(policy.error());
  if (!compiled) {
    complain(compiled.error().message);
    return exit_usage;
  }
  const std::pair<Question::Kind, const std::vector<std::string>*> asked[] = {
      {Question::Kind::syscall, &flags.syscalls},
      {Question::Kind::open, &flags.opens},
      {Question::Kind::connect, &flags.connects},
      {Question::Kind::import, &flags.imports},
      {Question::Kind::limit, &flags.limits}};
  int status = of_denials;
  for (const auto& [kind, texts] : asked) {
    for (const auto& text : *texts) {
      const auto question = read_question(kind, text);
      const auto explanation =
          question ? explain(*policy, *compiled, *question) : Result<Explanation>(question.error());
      if (!explanation) {
        complain(explanation.error().message);
        status = exit_usage;
      } else if (flags.json) {
        fmt::print("{}\n", to_text(to_json(*explanation)));
      } else {
        print(*explanation);
      }
    }
  }
  if (asks) return status;
  complain("nothing was asked (try --syscall socket:AF_INET, --open /etc/passwd, --import ctypes)");
  return exit_usage;
}

}  // namespace caisson
