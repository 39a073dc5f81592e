// One run of a workflow, from the outside: started, watched, cancelled, awaited.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/agent/event_log.h"
#include "orchestrator/agent/workflow.h"
#include "sandbox/base/nursery.h"

namespace caisson {

struct RunOptions {
  std::string id;  // empty: a random one
  Deadline deadline = Deadline::never();
  // Steps know the deadline and end in time, with what they have. One that does not is cancelled
  // this much later. Covers the grace that a block is given to end.
  std::chrono::milliseconds overrun{15000};
  std::vector<EventSink*> sinks;  // given every event, in this order
};

// The owner awaits finish() before it lets go of a run. Workflow, context and sinks outlive it.
class Run {
 public:
  Run(boost::asio::any_io_executor executor, const Workflow& workflow, Context& context,
      RunOptions options);
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Starts it and returns at once. Errors, all bad_input: user_input is missing or is no text, the
  // workflow is not valid.
  Result<void> start(StartEvent event);

  // Asks it to stop. The last event is then StopEvent{cancelled}.
  void cancel();

  // Waits for the end. Rethrows a Fault of a step or a sink; the log has an error event and a stop
  // event then as well, as far as the sinks take them. When the caller is cancelled, so is the run,
  // and this still waits for it before it throws.
  boost::asio::awaitable<StopEvent> finish();

  // Its events so far and to come; also after the end.
  EventLog& log() { return log_; }

 private:
  boost::asio::awaitable<void> drive(StartEvent event);

  const Workflow& workflow_;
  Deadline hard_deadline_;
  EventLog log_;
  RunContext context_;
  Nursery nursery_;
  std::optional<StopEvent> stop_;
};

}  // namespace caisson
