// The events of one run: append-only, with any number of readers.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "orchestrator/agent/events.h"
#include "orchestrator/agent/run_state.h"
#include "sandbox/base/condition.h"

namespace caisson {

class EventLog {
 public:
  // `sinks` are given each event in their order (the journal first); they must outlive the log.
  EventLog(boost::asio::any_io_executor executor, std::string run, std::vector<EventSink*> sinks);

  // Numbers the event, notes the time, and hands it to the sinks, then to those who wait.
  void append(EventBody body);
  // Nothing more will come: readers that have read everything get nothing.
  void close();
  bool closed() const { return closed_; }

  // The event with this number (from 1; 0 is taken as 1), waiting for it if it has not happened;
  // null when the log ends before it. Valid as long as the log. Readers do not take events away
  // from each other, and may begin anywhere, again and again.
  boost::asio::awaitable<const Event*> read(std::uint64_t sequence);

  const std::string& run() const { return run_; }
  std::uint64_t last_sequence() const { return events_.size(); }
  const std::deque<Event>& events() const { return events_; }
  // The fold of all events so far.
  const RunState& state() const { return state_; }

 private:
  const std::string run_;
  std::vector<EventSink*> sinks_;
  std::deque<Event> events_;  // a deque: growing it does not move what readers look at
  RunState state_;
  Condition change_;
  bool closed_ = false;
};

}  // namespace caisson
