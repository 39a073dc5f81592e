#include "orchestrator/cli/event_loop.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <optional>

namespace caisson {

using namespace std::chrono_literals;

ExitCode exit_code_for(const Error& error) {
  switch (error.code) {
    case Errc::bad_input:
    case Errc::bad_policy:
      return exit_usage;
    default:
      return exit_infrastructure;
  }
}

void complain(const std::string& message) {
  // Whoever has closed stderr does not want to know.
  std::fputs(fmt::format("caisson: {}\n", message).c_str(), stderr);
}

int run_command(std::function<asio::awaitable<int>()> command) {
  asio::io_context loop(1);
  asio::cancellation_signal stop;
  // A reader that has gone (SIGPIPE) and a terminal that was closed end a command as Ctrl-C does.
  asio::signal_set signals(loop, SIGINT, SIGTERM, SIGHUP);
  signals.add(SIGPIPE);
  std::optional<int> signalled;
  std::function<void(boost::system::error_code, int)> on_signal = [&](auto error, int number) {
    if (error) return;
    if (signalled && (number == SIGINT || number == SIGTERM)) ::_exit(128 + number);
    if (!signalled) signalled = number;
    stop.emit(asio::cancellation_type::terminal);
    signals.async_wait(on_signal);
  };
  signals.async_wait(on_signal);

  int status = exit_infrastructure;
  auto done = [&](std::exception_ptr error, int result) {
    signals.cancel();
    status = result;
    if (!error) return;
    status = exit_infrastructure;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& problem) {
      const auto* aborted = dynamic_cast<const boost::system::system_error*>(&problem);
      const bool by_signal =
          aborted != nullptr && aborted->code() == asio::error::operation_aborted;
      if (!signalled || !by_signal) complain(problem.what());
    }
  };
  asio::co_spawn(loop, command(), asio::bind_cancellation_slot(stop.slot(), done));
  loop.run();
  return signalled ? 128 + *signalled : status;
}

asio::awaitable<void> show_progress(std::string what) {
  const auto start = Clock::now();
  co_await sleep_for(1s);
  if (::isatty(STDERR_FILENO) == 0) {
    fmt::print(stderr, "{} …\n", what);
    co_await sleep_for(24h * 365);
  }
  // Removed also when it ends by being cancelled.
  struct Line {
    ~Line() { fmt::print(stderr, "\r\x1b[K"); }
  } line;
  for (;;) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start).count();
    fmt::print(stderr, "\r{} … {} s", what, seconds);
    co_await sleep_for(1s);
  }
}

}  // namespace caisson
