// caisson policy learn: runs a workload where what its policy would deny is let through and told,
// and makes a policy of it.
#include "orchestrator/cli/policy_learn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "orchestrator/app/app.h"
#include "orchestrator/cli/block_output.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/with_session.h"
#include "sandbox/base/fd.h"
#include "sandbox/policy/audit.h"
#include "sandbox/policy/learn.h"
#include "sandbox/session/session.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

// "python.deny.requests (builtin:strict:99)", "resources.pids.max: 64 (…)" -> the leaf
std::string leaf_of(const std::string& rule) {
  return rule.substr(0, rule.find_first_of(": "));
}

void note_denial(const Denial& denial, const std::string& by, Observed& observed) {
  const auto leaf = leaf_of(denial.rule);
  if (denial.layer == "seccomp") {
    observed.calls[denial.subject.substr(0, denial.subject.find('('))].add(denial.count, by);
  } else if (leaf.starts_with("python.deny.")) {
    observed.modules[leaf.substr(std::strlen("python.deny."))].add(denial.count, by);
  } else if (leaf.starts_with("python.events.")) {
    observed.events[leaf.substr(std::strlen("python.events."))].add(denial.count, by);
  } else if (what_it_is(denial) == "limit") {
    observed.limits[leaf].add(denial.count, by);
  }
}

// [[path, is it written, times]], as the guest says.
void note_files(const nlohmann::json& opened, const std::string& by, Observed& observed) {
  constexpr std::size_t most = 10000;
  for (const auto& each : opened) {
    if (!each.is_array() || each.size() != 3 || !each[0].is_string() || !each[1].is_boolean() ||
        !each[2].is_number_unsigned()) {
      continue;
    }
    auto& files = each[1].get<bool>() ? observed.writes : observed.reads;
    const auto path = each[0].get<std::string>();
    // It will stand in a file that people and other programs read as YAML.
    const bool plain =
        path.starts_with("/") && printable(path) == path && path.find_first_of("\n\t") == path.npos;
    if (plain && (files.size() < most || files.contains(path))) {
      files[path].add(each[2].get<std::uint64_t>(), by);
    }
  }
}

void note(const Outcome& outcome, const std::string& label, Observed& observed) {
  const auto by = label == "-c" ? fmt::format("block {}", ++observed.blocks)
                                : fmt::format("block {} ({})", ++observed.blocks, label);
  for (const auto& denial : outcome.denials) note_denial(denial, by, observed);
  const auto opened = outcome.report.find("opened");
  if (opened != outcome.report.end() && opened->is_array()) note_files(*opened, by, observed);
  const auto in_ms = [](auto time) { return std::chrono::duration_cast<Millis>(time); };
  observed.wall = std::max(observed.wall, in_ms(outcome.usage.wall));
  observed.cpu = std::max(observed.cpu, in_ms(outcome.usage.cpu));
  observed.memory_bytes = std::max(observed.memory_bytes, outcome.usage.peak_memory_bytes);
  observed.output_bytes =
      std::max(observed.output_bytes, outcome.out.total_bytes + outcome.err.total_bytes);
}

asio::awaitable<int> watch(Session& session, const std::vector<Source>& sources, bool shows,
                           Observed& observed) {
  TerminalSink terminal;
  NullSink silent;
  RefusingTools tools;
  int status = exit_ok;
  for (const auto& source : sources) {
    Block block;
    block.code = source.text;
    OutputSink& sink = shows ? static_cast<OutputSink&>(terminal) : silent;
    const auto outcome = co_await session.execute(std::move(block), Deadline::never(), sink, tools);
    if (!outcome) {
      complain(outcome.error().message);
      co_return exit_infrastructure;
    }
    note(*outcome, source.label, observed);
    if (outcome->status == Status::lost) {
      complain("the sandbox was lost: " + outcome->reason);
      co_return exit_infrastructure;
    }
    if (outcome->status == Status::ok) continue;
    const auto why =
        outcome->error ? outcome->error->type + ": " + outcome->error->message : outcome->reason;
    complain(fmt::format("block {} ended {}: {}; what it would have done after that is not learnt",
                         outcome->block, name(outcome->status), printable(why)));
    status = exit_not_ok;
  }
  co_return status;
}

Result<void> write_new(const std::string& path, const std::string& text) {
  const OwnedFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Error(Errc::io, fmt::format("--out {}: {}", path, std::strerror(errno)));
  }
  return boost::system::in_place_value;
}

}  // namespace

void LearnFlags::add_to(CLI::App& command, Config& config) {
  add_sandbox_flags(command, config);
  command.add_option("--out", out, "write the policy into this new file")->type_name("FILE");
  sources.add_to(command);
  command.footer(
      "Each -c and each FILE is a block of the workload, as with 'caisson exec'. It runs under "
      "the\n"
      "policy (strict, when none is named), but what that would deny, and another policy could "
      "allow,\n"
      "is let through: run only code that you trust. What nobody can allow stays denied, and so "
      "does\n"
      "the network. The result extends the policy; read it, and try it:\n\n"
      "  caisson policy learn --policy strict --out mine.yaml job.py\n"
      "  caisson exec --policy ./mine.yaml job.py\n\n"
      "Exit status: 0 learnt, 1 a block did not end ok (what came before is learnt), 2 wrong "
      "usage,\n"
      "3 no sandbox.");
}

int learn_policy(const CLI::App& command, const LearnFlags& flags, Config& config) {
  if (command.count("--policy") == 0) config.policy = "strict";
  const auto parent = load_checked_policy(config);
  if (!parent) {
    complain(parent.error().message);
    return exit_usage;
  }
  if (!config.ceilings.empty()) {
    complain(
        fmt::format("what runs while a policy is learnt has a wider wall than the ceiling {} "
                    "allows: learn on another host",
                    config.ceilings.front()));
    return exit_usage;
  }
  const auto sources = flags.sources.read(command, parent->policy.input.max_bytes);
  if (!sources || sources->empty()) {
    complain(sources ? "policy learn: nothing to run: give -c CODE or a FILE"
                     : sources.error().message);
    return exit_usage;
  }
  auto audit = make_audit_policy(parent->policy);
  if (!audit) {
    complain(audit.error().message);
    return exit_usage;
  }
  fmt::print(stderr,
             "caisson: this code runs behind a wider wall than '{}': only code that you trust\n",
             parent->policy.name);
  Observed observed;
  int status = exit_ok;
  auto body = [&](App&, Session& session) {
    return watch(session, *sources, !flags.out.empty(), observed);
  };
  status = run_command([&] {
    return with_session(config, {std::move(audit->policy), std::move(audit->compiled)}, {}, body);
  });
  if (observed.blocks == 0) return status;
  const auto learnt = learn(parent->policy, parent->compiled, lasting_policy_name(config.policy),
                            config.image, observed);
  if (flags.out.empty()) {
    fmt::print("{}", learnt.yaml);
  } else if (const auto written = write_new(flags.out, learnt.yaml); !written) {
    complain(written.error().message);
    return exit_usage;
  }
  return status;
}

}  // namespace caisson
