// caisson exec: runs pieces of code as blocks of one session.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "orchestrator/cli/block_output.h"
#include "orchestrator/cli/block_time.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"
#include "orchestrator/cli/sources.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/transfer.h"
#include "orchestrator/cli/with_session.h"
#include "sandbox/base/json.h"
#include "sandbox/session/session.h"

namespace caisson {
namespace {

struct ExecFlags {
  std::string policy;
  std::string timeout;
  std::string restore;  // paths in the sandbox; empty: not asked for
  std::string save;
  std::vector<std::string> put;
  std::vector<std::string> get;
  bool json = false;
  SessionFlags session;
  SourceFlags sources;
};

// What became of saved or restored names, apart from those that are well. "not saved: f: …"
void print_report(const StateReport& report, const char* what) {
  const auto line = [&](const StateReport::Refusal& refusal) {
    fmt::print(stderr, "caisson: not {}: {}: {}\n", what, printable(refusal.name),
               printable(refusal.reason));
  };
  for (const auto& refusal : report.failed) line(refusal);
  for (const auto& refusal : report.skipped) line(refusal);
  for (const auto& note : report.notes) fmt::print(stderr, "caisson: {}\n", printable(note));
  if (report.more > 0) fmt::print(stderr, "caisson: {} more names are not listed\n", report.more);
}

// The exit status.
int told(const Result<StateReport>& report, const char* what) {
  if (report) {
    print_report(*report, what);
    return exit_ok;
  }
  complain(fmt::format("the names are not {}: {}", what, printable(report.error().message)));
  return report.error().code == Errc::closed ? exit_infrastructure : exit_not_ok;
}

asio::awaitable<int> run_blocks(Session& session, const std::vector<Source>& sources,
                                std::chrono::milliseconds timeout, bool json) {
  TerminalSink terminal;
  NullSink silent;
  RefusingTools tools;
  int status = exit_ok;
  for (const auto& source : sources) {
    Block block;
    block.code = source.text;
    block.wall = timeout;
    OutputSink& sink = json ? static_cast<OutputSink&>(silent) : terminal;
    const auto outcome = co_await session.execute(std::move(block), Deadline::never(), sink, tools);
    if (!outcome) {
      complain(outcome.error().message);
      co_return exit_infrastructure;
    }
    if (json) {
      fmt::print("{}\n", json_line(to_json(*outcome)));
      std::fflush(stdout);
    } else {
      print_outcome(*outcome);
    }
    if (outcome->status == Status::lost) co_return exit_infrastructure;
    if (outcome->status != Status::ok) status = exit_not_ok;
  }
  co_return status;
}

struct Moves {
  std::vector<TransferFile> put;
  std::vector<TransferFile> get;
};

Result<Moves> read_moves(const ExecFlags& flags) {
  Moves moves;
  for (const auto& word : flags.put) {
    auto file = parse_put(word);
    if (!file) return file.error();
    moves.put.push_back(std::move(*file));
  }
  for (const auto& word : flags.get) {
    auto file = parse_get(word);
    if (!file) return file.error();
    moves.get.push_back(std::move(*file));
  }
  return moves;
}

// The exit status.
int moved(const Result<void>& done) {
  if (done) return exit_ok;
  complain(printable(done.error().message));
  return done.error().code == Errc::closed ? exit_infrastructure : exit_not_ok;
}

}  // namespace

Command add_exec(CLI::App& cli, Config& config) {
  auto flags = std::make_shared<ExecFlags>();
  auto* command =
      cli.add_subcommand("exec", "Run code in a sandbox, block after block in one session");
  command->footer(
      "Each -c and each FILE is one block; names live on from block to block. The value of a\n"
      "block's last expression is printed. '-' reads a block from standard input.\n\n"
      "Examples:\n"
      "  caisson exec -c 'x = 41' -c 'x + 1'\n"
      "  caisson exec --policy strict --timeout 2s --json analysis.py\n"
      "  caisson exec --put data.csv -c 'rows = open(\"data.csv\").read()' --get plot.png plot.py\n"
      "  caisson exec --session work -c 'x = 41'; caisson exec --session work -c 'x + 1'\n\n"
      "Exit status: 0 all blocks ended ok, 1 a block did not, 2 wrong usage or policy,\n"
      "3 no sandbox (no backend, no image, sandbox lost).");
  add_session_flags(*command, flags->session);
  add_sandbox_flags(*command, config);
  command
      ->add_option("--timeout", flags->timeout,
                   "wall-clock limit of each block, within the policy's: 500ms, 10s")
      ->type_name("TIME");
  command
      ->add_option("--restore", flags->restore,
                   "before the blocks, bring back names from a file in the sandbox's working "
                   "directory")
      ->type_name("PATH");
  command
      ->add_option("--save", flags->save,
                   "after the blocks, save the session's names into such a file; names that cannot "
                   "be saved are listed on standard error")
      ->type_name("PATH");
  command
      ->add_option("--put", flags->put,
                   "before the blocks, copy a file into the session's working directory")
      ->type_name("LOCAL[:NAME]")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--get", flags->get, "after the blocks, copy a file out of it")
      ->type_name("NAME[:LOCAL]")
      ->take_all()
      ->allow_extra_args(false);
  command->add_flag("--json", flags->json, "print one JSON object a line, the block's outcome");
  flags->sources.add_to(*command);
  auto run = [command, flags, &config]() -> int {
    if (auto used = use_settings_of_session(*command, flags->session, config); !used) {
      complain(used.error().message);
      return exit_code_for(used.error());
    }
    auto policy = load_checked_policy(config);
    if (!policy) {
      complain(policy.error().message);
      return exit_usage;
    }
    const auto timeout = parse_block_time(flags->timeout, policy->policy);
    if (!timeout) {
      complain(timeout.error().message);
      return exit_usage;
    }
    auto sources = flags->sources.read(*command, policy->policy.input.max_bytes);
    if (!sources) {
      complain(sources.error().message);
      return exit_usage;
    }
    auto moves = read_moves(*flags);
    if (!moves) {
      complain(moves.error().message);
      return exit_usage;
    }
    const bool moves_only = !flags->put.empty() || !flags->get.empty();
    if (sources->empty() && !moves_only) {
      complain("exec: nothing to run: give -c CODE or a FILE ('-' for standard input)");
      return exit_usage;
    }
    auto blocks = [&](App&, Session& session) -> asio::awaitable<int> {
      for (const auto& file : moves->put) {
        if (const int status = moved(co_await upload(session, file)); status != exit_ok) {
          co_return status;
        }
      }
      if (!flags->restore.empty()) {
        const auto report = co_await session.restore(flags->restore, Deadline::never());
        if (const int status = told(report, "restored"); status != exit_ok) co_return status;
      }
      int status = co_await run_blocks(session, *sources, *timeout, flags->json);
      if (status == exit_infrastructure) co_return status;
      for (const auto& file : moves->get) {
        status = std::max(status, moved(co_await download(session, file)));
      }
      if (flags->save.empty()) co_return status;
      const auto report = co_await session.save(flags->save, std::nullopt, Deadline::never());
      const int saved = told(report, "saved");
      co_return saved == exit_ok ? status : saved;
    };
    return run_command([&] { return with_session(config, *policy, flags->session, blocks); });
  };
  return {command, run};
}

}  // namespace caisson
