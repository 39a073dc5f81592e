#include "orchestrator/agent/workflow.h"

#include <fmt/format.h>

#include <algorithm>

namespace caisson {

namespace {

constexpr auto start_type = event_type<StartEvent>();
constexpr auto stop_type = event_type<StopEvent>();

template <class List, class Value>
bool contains(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

const Workflow::Step* Workflow::taker_of(EventType event) const {
  const auto found = std::find_if(steps_.begin(), steps_.end(),
                                  [event](const Step& step) { return step.takes == event; });
  return found == steps_.end() ? nullptr : &*found;
}

std::vector<const Workflow::Step*> Workflow::reached_from_start() const {
  std::vector<const Step*> reached;
  if (const auto* first = taker_of(start_type)) reached.push_back(first);
  for (std::size_t i = 0; i < reached.size(); ++i) {
    for (const auto event : reached[i]->produces) {
      const auto* next = taker_of(event);
      if (next && !contains(reached, next)) reached.push_back(next);
    }
  }
  return reached;
}

Result<void> Workflow::validate() const {
  std::vector<std::string> problems;
  const auto complain = [&problems]<class... Args>(fmt::format_string<Args...> text,
                                                   Args&&... args) {
    problems.push_back(fmt::format(text, std::forward<Args>(args)...));
  };
  const auto produced = [this](EventType event) {
    return std::any_of(steps_.begin(), steps_.end(),
                       [event](const Step& step) { return contains(step.produces, event); });
  };

  if (!taker_of(start_type)) complain("no step takes the StartEvent: nothing can begin");
  if (!produced(stop_type)) complain("no step produces a StopEvent: a run would never end");
  for (auto step = steps_.begin(); step != steps_.end(); ++step) {
    for (auto other = steps_.begin(); other != step; ++other) {
      if (other->name == step->name) complain("two steps are called '{}'", step->name);
      if (other->takes == step->takes) {
        complain("steps '{}' and '{}' both take {}", other->name, step->name,
                 event_name(step->takes));
      }
    }
    if (step->takes == stop_type) complain("step '{}' takes the StopEvent", step->name);
    if (step->takes != start_type && step->takes != stop_type && !produced(step->takes)) {
      complain("step '{}' takes {}, which no step produces", step->name, event_name(step->takes));
    }
    for (const auto event : step->produces) {
      if (event == start_type) {
        complain("step '{}' produces the StartEvent", step->name);
      } else if (event != stop_type && !taker_of(event)) {
        complain("step '{}' produces {}, which no step takes", step->name, event_name(event));
      }
    }
  }

  const auto reached = reached_from_start();
  // Steps from which the end can be reached: those that produce it, then their predecessors.
  std::vector<const Step*> ending;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& step : steps_) {
      const bool ends = std::any_of(step.produces.begin(), step.produces.end(), [&](EventType it) {
        return it == stop_type || contains(ending, taker_of(it));
      });
      if (!ends || contains(ending, &step)) continue;
      ending.push_back(&step);
      grew = true;
    }
  }
  for (const auto& step : steps_) {
    if (!contains(reached, &step)) {
      complain("step '{}' cannot be reached from the StartEvent", step.name);
    }
    if (!contains(ending, &step)) {
      complain("from step '{}' no StopEvent can be reached", step.name);
    }
  }
  if (problems.empty()) return {};
  return Error(Errc::bad_input, fmt::format("workflow: {}", fmt::join(problems, "\nworkflow: ")));
}

std::string Workflow::mermaid() const {
  std::string text = "flowchart TD\n";
  std::vector<EventType> events;
  for (const auto& step : steps_) {
    text += fmt::format("    {}[{}]\n", step.name, step.name);
    if (!contains(events, step.takes)) events.push_back(step.takes);
    for (const auto event : step.produces) {
      if (!contains(events, event)) events.push_back(event);
    }
  }
  for (const auto event : events) {
    text += fmt::format("    {0}([{0}])\n", event_name(event));
  }
  for (const auto& step : steps_) {
    text += fmt::format("    {} --> {}\n", event_name(step.takes), step.name);
    for (const auto event : step.produces) {
      text += fmt::format("    {} --> {}\n", step.name, event_name(event));
    }
  }
  return text;
}

boost::asio::awaitable<StopEvent> Workflow::run(StartEvent start, RunContext& run) const {
  EventBody event = std::move(start);
  for (;;) {
    run.log.append(event);
    if (const auto* stop = std::get_if<StopEvent>(&event)) co_return *stop;
    if (run.deadline.passed()) {
      event = StopEvent{StopReason::max_wall, "", "the run's time is over"};
      continue;
    }
    const auto* step = taker_of(event.index());
    if (!step) {
      throw Fault(fmt::format("workflow: no step takes {}", event_name(event.index())));
    }
    event = co_await step->call(std::move(event), run);
  }
}

}  // namespace caisson
