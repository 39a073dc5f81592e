#include "orchestrator/agent/event_log.h"

#include <algorithm>
#include <utility>

namespace caisson {

EventLog::EventLog(boost::asio::any_io_executor executor, std::string run,
                   std::vector<EventSink*> sinks)
    : run_(std::move(run)), sinks_(std::move(sinks)), change_(executor) {}

void EventLog::append(EventBody body) {
  events_.push_back({run_, events_.size() + 1, std::chrono::system_clock::now(), std::move(body)});
  state_ = fold(std::move(state_), events_.back().body);
  for (auto* sink : sinks_) sink->event(events_.back());
  change_.notify();
}

void EventLog::close() {
  closed_ = true;
  change_.notify();
}

boost::asio::awaitable<const Event*> EventLog::read(std::uint64_t sequence) {
  sequence = std::max<std::uint64_t>(sequence, 1);
  while (events_.size() < sequence && !closed_) co_await change_.wait();
  co_return events_.size() < sequence ? nullptr : &events_[sequence - 1];
}

}  // namespace caisson
