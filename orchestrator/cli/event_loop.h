// Runs one command on the event loop, and what belongs to every command: Ctrl-C, progress, faults.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

#include "sandbox/base/async.h"

namespace caisson {

// Exit statuses of every command.
enum ExitCode : int {
  exit_ok = 0,
  exit_not_ok = 1,          // a block did not end ok, a run did not reach its answer
  exit_usage = 2,           // wrong flags, a policy that does not compile
  exit_infrastructure = 3,  // no backend, no image, a model that does not answer
};

// The exit status for an expected failure of ours.
ExitCode exit_code_for(const Error& error);

// Runs `command` to its end. SIGINT and SIGTERM cancel it, so that it can take down its sandbox; a
// second one ends the process at once. A Fault becomes a message and exit_infrastructure.
int run_command(std::function<asio::awaitable<int>()> command);

// "caisson: MESSAGE" on stderr.
void complain(const std::string& message);

// Shows a line on stderr when `work` takes longer than a second: "starting the sandbox … 3 s". On a
// terminal it is updated in place and removed at the end.
asio::awaitable<void> show_progress(std::string what);
template <class T>
asio::awaitable<T> with_progress(std::string what, asio::awaitable<T> work) {
  auto executor = co_await asio::this_coro::executor;
  auto line = asio::co_spawn(executor, show_progress(std::move(what)), asio::deferred);
  auto task = asio::co_spawn(executor, std::move(work), asio::deferred);
  auto group = asio::experimental::make_parallel_group(std::move(task), std::move(line));
  auto [order, error, value, line_error] =
      co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (error) std::rethrow_exception(error);
  co_return std::move(value);
}

}  // namespace caisson
