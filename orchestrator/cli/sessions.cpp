// caisson sessions: what named sessions there are, working in one by hand, and ending them.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "orchestrator/cli/block_output.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"
#include "orchestrator/cli/input_lines.h"
#include "orchestrator/cli/repl_text.h"
#include "orchestrator/cli/session_files.h"
#include "orchestrator/cli/session_list.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/with_session.h"
#include "sandbox/base/json.h"
#include "sandbox/session/orphans.h"
#include "sandbox/session/session.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

struct SessionsFlags {
  std::string other;       // of `branch`: the new name
  std::uint64_t step = 0;  // of `rollback` and `branch --at`
  SessionFlags session;    // of `attach` and `show`
  std::vector<std::string> names;
  bool all = false;
  bool json = false;
};

// A session that is not there is the user's mistake.
int refuse(const Error& error) {
  complain(error.message);
  return error.code == Errc::not_found ? exit_usage : exit_code_for(error);
}

asio::awaitable<int> list(const Config& config, bool as_json) {
  const SessionStore store(config.state_dir);
  BackendsOfSessions backends(config);
  std::vector<nlohmann::json> found;
  int status = exit_ok;
  for (const auto& name : store.names()) {
    const auto record = store.load(name);
    if (!record) {
      complain(record.error().message);
      status = exit_infrastructure;
      continue;
    }
    const auto state = co_await state_of(store, config.state_dir, backends, *record);
    found.push_back(describe_session(store, *record, state));
    if (as_json) fmt::print("{}\n", json_line(found.back()));
  }
  if (!as_json && !found.empty()) fmt::print("{}", session_table(found));
  if (!as_json && found.empty()) fmt::print(stderr, "no sessions\n");
  co_return status;
}

asio::awaitable<int> show(const Config& config, const std::string& name, bool as_json) {
  const SessionStore store(config.state_dir);
  const auto record = store.load(name);
  if (!record) co_return refuse(record.error());
  BackendsOfSessions backends(config);
  const auto state = co_await state_of(store, config.state_dir, backends, *record);
  const auto session = describe_session(store, *record, state);
  fmt::print("{}", as_json ? json_line(session) + "\n" : session_page(session));
  co_return exit_ok;
}

// One that shares its sandbox: the others live on.
asio::awaitable<Result<void>> give_up(Config config, const SessionRecord& record) {
  config.policy = record.policy;
  config.image = record.image;
  config.backend = record.backend;
  auto policy = load_checked_policy(config);
  if (!policy) co_return policy.error();
  App app(config);
  auto named = co_await app.open_named(record.name, NamedRequest::Want::existing,
                                       std::move(*policy), Deadline::after(1min));
  if (!named) co_return named.error();
  co_await (*named)->give_up();
  co_return boost::system::in_place_value;
}

asio::awaitable<Result<void>> kill_one(const Config& config, const SessionStore& store,
                                       BackendsOfSessions& backends, const std::string& name) {
  const auto record = store.load(name);
  if (!record && record.error().code != Errc::protocol) co_return record.error();
  // What cannot be given up by itself goes with the last one of its sandbox.
  if (record && !store.siblings(*record).empty()) {
    if (co_await give_up(config, *record)) co_return boost::system::in_place_value;
  }
  auto lock = co_await store.lock(name, Deadline::after(3s));
  if (!lock) co_return lock.error();
  auto backend =
      co_await backends.find(record ? record->backend : config.backend, Deadline::after(10s));
  if (!backend) co_return backend.error();
  auto ended = co_await end_named_session(**backend, store, config.state_dir, std::move(*lock),
                                          name, Deadline::after(30s));
  if (!ended) co_return ended.error();
  // What a command that was killed while it made the session has left.
  co_await remove_orphans(**backend, config.state_dir);
  co_return boost::system::in_place_value;
}

asio::awaitable<int> kill(const Config& config, const SessionsFlags& flags) {
  const SessionStore store(config.state_dir);
  BackendsOfSessions backends(config);
  int status = exit_ok;
  for (const auto& name : flags.all ? store.names() : flags.names) {
    auto killed = co_await kill_one(config, store, backends, name);
    if (killed) {
      fmt::print("{}\n", name);
    } else {
      status = std::max(status, refuse(killed.error()));
    }
  }
  co_return status;
}

// Reads, runs and prints until the input ends.
asio::awaitable<int> converse(Session& session) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  InputLines input;
  BlockLines block(terminal ? Typing::lines : Typing::blocks);
  TerminalSink sink;
  RefusingTools tools;
  int status = exit_ok;
  for (bool ended = false; !ended;) {
    if (terminal) fmt::print("{}", block.begun() ? "... " : ">>> ");
    std::fflush(stdout);
    const auto line = co_await input.next();
    ended = !line;
    if (ended ? !block.begun() : !block.add(*line)) continue;
    Block next;
    next.code = block.take();
    const auto outcome = co_await session.execute(std::move(next), Deadline::never(), sink, tools);
    if (!outcome) {
      complain(outcome.error().message);
      co_return exit_infrastructure;
    }
    print_outcome(*outcome);
    if (const auto rebuilt = outcome->guarantees.find("journal");
        rebuilt != outcome->guarantees.end()) {
      complain("journal: " + rebuilt->get<std::string>());
    }
    if (outcome->status == Status::lost) co_return exit_infrastructure;
    if (outcome->status != Status::ok) status = exit_not_ok;
  }
  if (terminal) fmt::print("\n");
  co_return terminal ? exit_ok : status;
}

asio::awaitable<int> roll_back(Session& session, std::string name, std::uint64_t step) {
  const auto state = co_await session.rollback(step, Deadline::after(30s));
  if (!state) co_return refuse(state.error());
  fmt::print("{} is at block {}\n", name, state->checkpoint);
  co_return exit_ok;
}

asio::awaitable<int> branch(const Config& config, NamedSession& session, std::string other,
                            std::optional<std::uint64_t> at) {
  if (auto good = check_session_name(other); !good) co_return refuse(good.error());
  const SessionStore store(config.state_dir);
  auto lock = co_await store.lock(other, Deadline::after(3s));
  if (!lock) co_return refuse(lock.error());
  auto made = co_await session.branch(other, std::move(*lock), at, Deadline::after(60s));
  if (!made) {
    // No lock file of a session that was never made.
    if (const auto there = store.load(other); !there && there.error().code == Errc::not_found) {
      store.remove(other);
    }
    co_return refuse(made.error());
  }
  fmt::print("{}\n", other);
  co_return exit_ok;
}

// Runs `body` with the session that `flags` name, under its own policy.
int with_existing(const CLI::App& command, const SessionFlags& flags, Config& config,
                  WithNamed body) {
  if (auto used = use_settings_of_session(command, flags, config); !used) {
    return refuse(used.error());
  }
  auto policy = load_checked_policy(config);
  if (!policy) return refuse(policy.error());
  return run_command([&] { return with_named(config, *policy, flags, body); });
}

int attach(const CLI::App& command, const SessionFlags& flags, Config& config) {
  if (auto used = use_settings_of_session(command, flags, config); !used) {
    return refuse(used.error());
  }
  auto policy = load_checked_policy(config);
  if (!policy) return refuse(policy.error());
  auto body = [](App&, Session& session) { return converse(session); };
  return run_command([&] { return with_session(config, *policy, flags, body); });
}

void add_place_flags(CLI::App& command, Config& config) {
  command.add_option("--state-dir", config.state_dir, "where images and live sandboxes are kept")
      ->capture_default_str()
      ->type_name("DIR");
  command.add_option("--docker-host", config.docker_host, "unix:///path")->type_name("URL");
}

}  // namespace

Command add_sessions(CLI::App& cli, Config& config) {
  auto flags = std::make_shared<SessionsFlags>();
  flags->session.must_exist = true;
  auto* command = cli.add_subcommand("sessions", "List, show, enter and end named sessions");
  command->require_subcommand(1);
  command->footer(
      "'caisson exec --session NAME' and 'caisson run --session NAME' make a session or find it\n"
      "again. It ends by itself after the policy's time.idle without a command, and after its\n"
      "time.session; the next command then runs its blocks again.\n\n"
      "Exit status: 0 all well, 1 a block did not end ok, 2 no such session, 3 no backend.");
  auto* list_command = command->add_subcommand("list", "All sessions and whether they live");
  list_command->add_flag("--json", flags->json, "one JSON object a line, one for each session");
  auto* show_command = command->add_subcommand("show", "What there is to know of one session");
  show_command->add_option("NAME", flags->session.name, "the session")->required();
  show_command->add_flag("--json", flags->json, "as JSON");
  auto* attach_command =
      command->add_subcommand("attach", "Type blocks into a session, and leave it as it is then");
  attach_command->add_option("NAME", flags->session.name, "the session")->required();
  attach_command->footer(
      "At a terminal a simple statement runs at once, and a compound one after an empty line.\n"
      "From a file or a pipe, blocks are separated by empty lines. The end of input leaves.");
  auto* rollback_command = command->add_subcommand(
      "rollback", "Take a session back to the state after an earlier block");
  rollback_command->add_option("NAME", flags->session.name, "the session")->required();
  rollback_command->add_option("BLOCK", flags->step, "its number; 0: an empty session")->required();
  rollback_command->footer(
      "The policy says how many states are kept (session.checkpoints, 1 by default). Names and\n"
      "values go back; files, processes and what tools have done do not.");
  auto* branch_command =
      command->add_subcommand("branch", "Make a second session out of a session's state");
  branch_command->add_option("NAME", flags->session.name, "the session")->required();
  branch_command->add_option("NEW", flags->other, "the name of the new one")->required();
  auto* at = branch_command->add_option("--at", flags->step, "the state after this block");
  branch_command->footer(
      "Both share one sandbox: its limits, its end, and /tmp. The new one works in a copy of the\n"
      "working directory. One of them at a time can be used by a command.");
  auto files = std::make_shared<SessionFiles>();
  files->add_to(*command, flags->session.name);
  auto* kill_command = command->add_subcommand("kill", "End sessions and remove all of them");
  auto* names = kill_command->add_option("NAME", flags->names, "the sessions");
  kill_command->add_flag("--all", flags->all, "every session")->excludes(names);
  for (auto* each : {list_command, show_command, attach_command, rollback_command, branch_command,
                     kill_command}) {
    add_place_flags(*each, config);
  }
  for (auto* each : files->commands()) add_place_flags(*each, config);
  auto run = [=, &config]() -> int {
    if (attach_command->parsed()) return attach(*attach_command, flags->session, config);
    if (rollback_command->parsed()) {
      return with_existing(*rollback_command, flags->session, config, [&](NamedSession& session) {
        return roll_back(session.session(), flags->session.name, flags->step);
      });
    }
    if (branch_command->parsed()) {
      const auto step = at->count() > 0 ? std::optional<std::uint64_t>(flags->step) : std::nullopt;
      return with_existing(*branch_command, flags->session, config, [&](NamedSession& session) {
        return branch(config, session, flags->other, step);
      });
    }
    if (const auto* each = files->parsed()) {
      return with_existing(*each, flags->session, config,
                           [&](NamedSession& session) { return files->run(session.session()); });
    }
    if (kill_command->parsed() && flags->names.empty() && !flags->all) {
      complain("sessions kill: name the sessions, or give --all");
      return exit_usage;
    }
    return run_command([&] {
      if (list_command->parsed()) return list(config, flags->json);
      if (show_command->parsed()) return show(config, flags->session.name, flags->json);
      return kill(config, *flags);
    });
  };
  return {command, run};
}

}  // namespace caisson
