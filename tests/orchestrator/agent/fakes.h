// A model that plays turns, a runner that plays outcomes, and one question asked of an agent that
// has them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/agent/agent.h"
#include "orchestrator/tools/tool_set.h"
#include "sandbox/base/async.h"
#include "tests/support/run_coro.h"

namespace caisson::test {

class FakeModel final : public Model {
 public:
  struct Turn {
    std::string text;
    ReplyEnd end = ReplyEnd::finished;
    std::string finish_reason = "stop";
    std::string refusal;
    std::string reasoning;
    std::uint32_t lost_events = 0;
    std::optional<Error> error;
    bool hangs = false;  // until it is cancelled
    Turn(const char* said) : text(said) {}
    Turn(std::string said, ReplyEnd how) : text(std::move(said)), end(how) {}
    Turn(Errc code, std::string message) : error(Error(code, std::move(message))) {}
  };

  asio::awaitable<Result<Reply>> complete(Request request, Deadline, Reader reader) override {
    requests.push_back(request.messages);
    Reply reply;
    if (turns.empty()) co_return Error(Errc::bad_input, "the fake has no turn left");
    const Turn turn = turns.front();
    turns.pop_front();
    if (turn.error) co_return *turn.error;
    // Lets other coroutines run between deltas, as a network does.
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    if (turn.hangs) co_await sleep_for(std::chrono::hours(1));
    if (!turn.reasoning.empty()) reader(Delta{"", turn.reasoning});
    reply.end = turn.end;
    reply.finish_reason = turn.finish_reason;
    reply.refusal = turn.refusal;
    reply.lost_events = turn.lost_events;
    reply.usage = {100, 10, false};
    for (std::size_t at = 0; at < turn.text.size(); at += chunk) {
      Delta delta{turn.text.substr(at, chunk), ""};
      reply.content += delta.content;
      if (reader(delta) == Reading::enough) {
        reply.end = ReplyEnd::stopped;
        break;
      }
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
    contents.push_back(reply.content);
    co_return reply;
  }
  std::string name() const override { return "fake"; }
  std::uint32_t context_window() const override { return window; }

  std::deque<Turn> turns;
  std::size_t chunk = 5;
  std::uint32_t window = 10000;
  std::vector<std::vector<Message>> requests;
  std::vector<std::string> contents;  // what was read of each reply
};

class FakeRunner final : public BlockRunner {
 public:
  using Script =
      std::function<asio::awaitable<Result<Outcome>>(std::string code, OutputSink&, ToolHost&)>;

  asio::awaitable<Result<Outcome>> run(Block block, Deadline, OutputSink& sink,
                                       ToolHost& tools) override {
    codes.push_back(block.code);
    if (script) co_return co_await script(block.code, sink, tools);
    auto outcome = outcomes.empty() ? value("ok") : outcomes.front();
    if (!outcomes.empty()) outcomes.pop_front();
    outcome.block = codes.size();
    if (!outcome.out.head.empty()) sink.output(OutputStream::out, outcome.out.head);
    co_return outcome;
  }

  static Outcome value(const std::string& text) {
    Outcome outcome;
    outcome.value = {{"text/plain", text}};
    outcome.state = {StateChange::committed, 1};
    return outcome;
  }
  static Outcome ended(Status status, StateChange change, std::string reason) {
    Outcome outcome;
    outcome.status = status;
    outcome.state = {change, 2};
    outcome.reason = std::move(reason);
    return outcome;
  }

  Script script;
  std::deque<Outcome> outcomes;
  std::vector<std::string> codes;
};

inline AgentOptions prompted(std::string prompt = "SYSTEM") {
  AgentOptions options;
  options.system_prompt = std::move(prompt);
  return options;
}

struct Asked {
  StopEvent stop;
  std::vector<Event> events;

  template <class E>
  std::vector<E> all() const {
    std::vector<E> found;
    for (const auto& event : events) {
      if (const auto* it = std::get_if<E>(&event.body)) found.push_back(*it);
    }
    return found;
  }
  // The types in order, deltas of one kind as one.
  std::string types() const {
    std::string text;
    std::string_view last;
    for (const auto& event : events) {
      const auto type = json_type(event.body);
      if (type != last) text += (text.empty() ? "" : " ") + std::string(type);
      last = type;
    }
    return text;
  }
};

// An agent with its fakes, for one conversation.
struct Desk {
  explicit Desk(AgentOptions options = prompted())
      : agent(model, runner, no_tools, std::move(options)) {}

  Asked ask(std::string question, RunOptions options = {}) {
    Asked asked;
    auto work = [&]() -> asio::awaitable<void> {
      auto run = agent.start(loop.get_executor(), question, context, options);
      EXPECT_TRUE(run);
      if (!run) co_return;
      asked.stop = co_await (*run)->finish();
      asked.events.assign((*run)->log().events().begin(), (*run)->log().events().end());
    };
    run_coro(loop, work());
    return asked;
  }

  boost::asio::io_context loop{1};
  FakeModel model;
  FakeRunner runner;
  ToolSet tool_set;
  NoHostTools no_tools{tool_set};
  Context context;
  CodeActAgent agent;
};

}  // namespace caisson::test
