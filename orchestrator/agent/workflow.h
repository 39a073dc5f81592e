// Steps that turn one event into another, from a StartEvent to a StopEvent.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "orchestrator/agent/context.h"
#include "orchestrator/agent/event_log.h"
#include "orchestrator/agent/events.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace caisson {

// What a step sees of the run that it is part of.
struct RunContext {
  EventLog& log;
  Context& context;
  Deadline deadline;  // of the whole run
  const RunState& state() const { return log.state(); }
};

// A graph of steps. Each takes one type of event, says by its result type what it may produce, and
// is a coroutine: a step that waits does not hold up anything else. A workflow keeps nothing of a
// run, so it can have many at once.
class Workflow {
 public:
  // Adds a method `awaitable<Out> Owner::method(In, RunContext&)`, where Out is an event or a
  // std::variant of events. The owner must outlive the workflow's runs.
  template <class Owner, class In, class Out>
  void add(std::string name, Owner& owner,
           boost::asio::awaitable<Out> (Owner::*method)(In, RunContext&)) {
    steps_.push_back({std::move(name), event_type<In>(), Types<Out>::list(),
                      [&owner, method](EventBody event, RunContext& run) {
                        return call(owner, method, std::get<In>(std::move(event)), run);
                      }});
  }

  // Everything that is wrong with the graph, a line each, naming steps and events (bad_input):
  // one step takes the StartEvent and at least one produces the StopEvent; every event that is
  // produced is taken by one step, every event that is taken is produced; every step can be
  // reached, and a StopEvent can be reached from it.
  Result<void> validate() const;
  // The graph as a Mermaid flowchart.
  std::string mermaid() const;

  // Runs from the start event until a StopEvent. Every event that a step takes is in the log before
  // the step begins. When the deadline passes between two steps: StopReason::max_wall. The workflow
  // must be valid. Throws what a step throws.
  boost::asio::awaitable<StopEvent> run(StartEvent start, RunContext& run) const;

 private:
  struct Step {
    std::string name;
    EventType takes;
    std::vector<EventType> produces;
    std::function<boost::asio::awaitable<EventBody>(EventBody, RunContext&)> call;
  };

  template <class Out>
  struct Types {
    static std::vector<EventType> list() { return {event_type<Out>()}; }
  };
  template <class... Out>
  struct Types<std::variant<Out...>> {
    static std::vector<EventType> list() { return {event_type<Out>()...}; }
  };

  template <class Out>
  static EventBody widen(Out out) {
    return EventBody(std::move(out));
  }
  template <class... Out>
  static EventBody widen(std::variant<Out...> out) {
    return std::visit([](auto& event) { return EventBody(std::move(event)); }, out);
  }

  template <class Owner, class In, class Out>
  static boost::asio::awaitable<EventBody> call(
      Owner& owner, boost::asio::awaitable<Out> (Owner::*method)(In, RunContext&), In event,
      RunContext& run) {
    auto out = co_await (owner.*method)(std::move(event), run);
    co_return widen(std::move(out));
  }

  const Step* taker_of(EventType event) const;
  std::vector<const Step*> reached_from_start() const;

  std::vector<Step> steps_;
};

}  // namespace caisson
