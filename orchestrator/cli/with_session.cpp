#include "orchestrator/cli/with_session.h"

#include "orchestrator/cli/event_loop.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

asio::awaitable<int> open_and_run(App& app, Sandbox& sandbox, const WithSession& body) {
  auto session = co_await sandbox.open_session(nlohmann::json::object(), Deadline::after(30s));
  if (session) co_return co_await body(app, **session);
  complain(session.error().message);
  co_return exit_infrastructure;
}

}  // namespace

asio::awaitable<int> with_session(const Config& config, CheckedPolicy policy, WithSession body) {
  App app(config);
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

}  // namespace caisson
