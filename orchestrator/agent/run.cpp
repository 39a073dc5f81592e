#include "orchestrator/agent/run.h"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "sandbox/base/async.h"
#include "sandbox/base/utf8.h"

namespace caisson {

namespace {

std::string random_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

Result<void> check_input(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Error(Errc::bad_input, "user_input is required: say what the agent should do");
  }
  if (const auto bad = invalid_utf8(text); bad < text.size()) {
    return Error(Errc::bad_input, fmt::format("user_input is not UTF-8 (byte {})", bad));
  }
  if (const auto nul = text.find('\0'); nul != std::string::npos) {
    return Error(Errc::bad_input, fmt::format("user_input has a NUL (byte {})", nul));
  }
  return {};
}

}  // namespace

Run::Run(boost::asio::any_io_executor executor, const Workflow& workflow, Context& context,
         RunOptions options)
    : workflow_(workflow),
      hard_deadline_(options.deadline.is_never()
                         ? Deadline::never()
                         : Deadline::at(options.deadline.when() + options.overrun)),
      log_(executor, options.id.empty() ? random_id() : std::move(options.id),
           std::move(options.sinks)),
      context_{log_, context, options.deadline},
      nursery_(executor) {}

Result<void> Run::start(StartEvent event) {
  if (auto checked = check_input(event.user_input); !checked) return checked.error();
  if (auto valid = workflow_.validate(); !valid) return valid.error();
  nursery_.start(drive(std::move(event)));
  return {};
}

void Run::cancel() {
  nursery_.cancel();
}

boost::asio::awaitable<StopEvent> Run::finish() {
  co_await nursery_.join();
  co_return stop_.value_or(StopEvent{StopReason::cancelled, "", "the run did not begin"});
}

boost::asio::awaitable<void> Run::drive(StartEvent event) {
  // Every way out closes the log, so that no reader waits forever.
  struct Close {
    EventLog& log;
    ~Close() { log.close(); }
  };
  const Close close{log_};
  try {
    // Nothing happens inside of start(): its caller may still want to look at the log, or cancel.
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    stop_ = co_await with_timeout(workflow_.run(std::move(event), context_), hard_deadline_);
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;
  } catch (const Fault& fault) {
    stop_ = StopEvent{StopReason::fault, "", fault.what()};
    log_.append(ErrorEvent{"run", fault.what()});
    log_.append(*stop_);
    throw;
  }
  if (stop_) co_return;
  // The steps were cancelled, by the hard deadline or from outside. From here on nothing may wait:
  // it would throw.
  if (hard_deadline_.passed()) {
    stop_ = StopEvent{StopReason::max_wall, "", "the run's time is over"};
  } else {
    stop_ = StopEvent{StopReason::cancelled, "", "the run was cancelled"};
  }
  log_.append(*stop_);
}

}  // namespace caisson
