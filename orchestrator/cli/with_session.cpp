#include "orchestrator/cli/with_session.h"

#include "orchestrator/cli/event_loop.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

// Beyond what a start takes: a session may have to be rebuilt.
constexpr auto open_named_time = 10min;

asio::awaitable<int> open_and_run(App& app, Sandbox& sandbox, const WithSession& body) {
  auto session = co_await sandbox.open_session(nlohmann::json::object(), Deadline::after(30s));
  if (session) co_return co_await body(app, **session);
  complain(session.error().message);
  co_return exit_infrastructure;
}

asio::awaitable<int> with_own_session(App& app, CheckedPolicy policy, const WithSession& body) {
  auto start = app.start_sandbox(std::move(policy), Deadline::after(2min));
  auto sandbox = co_await with_progress("starting the sandbox", std::move(start));
  if (!sandbox) {
    complain(sandbox.error().message);
    co_return exit_code_for(sandbox.error());
  }
  int status = exit_infrastructure;
  std::exception_ptr problem;
  try {
    status = co_await open_and_run(app, **sandbox, body);
  } catch (...) {
    problem = std::current_exception();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await (*sandbox)->close(Deadline::after(20s));
  if (problem) std::rethrow_exception(problem);
  co_return status;
}

asio::awaitable<int> use_named(App& app, CheckedPolicy policy, const SessionFlags& flags,
                               const WithNamed& body) {
  const auto want = flags.fresh        ? NamedRequest::Want::fresh
                    : flags.must_exist ? NamedRequest::Want::existing
                                       : NamedRequest::Want::resume;
  auto open = app.open_named(flags.name, want, std::move(policy), Deadline::after(open_named_time));
  auto named = co_await with_progress("opening session " + flags.name, std::move(open));
  if (!named) {
    complain(named.error().message);
    co_return exit_code_for(named.error());
  }
  for (const auto& line : (*named)->news()) complain(line);
  int status = exit_infrastructure;
  std::exception_ptr problem;
  try {
    status = co_await body(**named);
  } catch (...) {
    problem = std::current_exception();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (!(*named)->given_up()) co_await (*named)->keep();
  if (problem) std::rethrow_exception(problem);
  co_return status;
}

bool was_given(const CLI::App& command, const char* option) {
  const auto* found = command.get_option_no_throw(option);
  return found != nullptr && found->count() > 0;
}

}  // namespace

void add_session_flags(CLI::App& command, SessionFlags& flags) {
  auto* name = command
                   .add_option("--session", flags.name,
                               "a session that outlives this command: found by its name, or made")
                   ->type_name("NAME");
  command.add_flag("--fresh", flags.fresh, "begin the session again, empty")->needs(name);
}

Result<void> use_settings_of_session(const CLI::App& command, const SessionFlags& flags,
                                     Config& config) {
  if (command.get_option_no_throw("--session") != nullptr && !was_given(command, "--session")) {
    return boost::system::in_place_value;
  }
  if (auto good = check_session_name(flags.name); !good) return good.error();
  const auto record = SessionStore(config.state_dir).load(flags.name);
  if (!record && record.error().code == Errc::not_found && !flags.must_exist) {
    return boost::system::in_place_value;
  }
  if (!record) return record.error();
  if (flags.fresh) return boost::system::in_place_value;
  if (!was_given(command, "--policy")) config.policy = record->policy;
  if (!was_given(command, "--image")) config.image = record->image;
  // An image that is not there would be a misleading answer.
  if (const auto image = lasting_image_name(config.image); image != record->image) {
    return another_setting(*record, "image", record->image, image);
  }
  if (config.backend == "auto" || !was_given(command, "--backend")) {
    config.backend = record->backend;
  }
  if (config.backend != record->backend) {
    return another_setting(*record, "backend", record->backend, config.backend);
  }
  return boost::system::in_place_value;
}

asio::awaitable<int> with_session(const Config& config, CheckedPolicy policy, SessionFlags flags,
                                  WithSession body) {
  App app(config);
  if (flags.name.empty()) co_return co_await with_own_session(app, std::move(policy), body);
  WithNamed use = [&](NamedSession& named) { return body(app, named.session()); };
  co_return co_await use_named(app, std::move(policy), flags, use);
}

asio::awaitable<int> with_named(const Config& config, CheckedPolicy policy, SessionFlags flags,
                                WithNamed body) {
  App app(config);
  co_return co_await use_named(app, std::move(policy), flags, body);
}

}  // namespace caisson
