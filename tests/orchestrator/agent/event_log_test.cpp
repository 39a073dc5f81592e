#include "orchestrator/agent/event_log.h"

#include <gtest/gtest.h>

#include "sandbox/base/async.h"
#include "sandbox/base/nursery.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

asio::awaitable<void> read_all(EventLog& log, std::uint64_t from, std::string& seen) {
  for (auto next = from;; ++next) {
    const auto* event = co_await log.read(next);
    if (!event) co_return;
    seen += std::get<StreamEvent>(event->body).delta;
  }
}

TEST(EventLog, S82_ManyReadersEachFromAnySequence) {
  asio::io_context loop(1);
  std::string whole, late, again;
  auto work = [&]() -> asio::awaitable<void> {
    EventLog log(loop.get_executor(), "r", {});
    Nursery readers(loop.get_executor());
    readers.start(read_all(log, 1, whole));
    readers.start(read_all(log, 3, late));
    for (const char* delta : {"a", "b", "c"}) {
      log.append(StreamEvent{delta});
      co_await asio::post(loop, asio::use_awaitable);
    }
    readers.start(read_all(log, 2, again));
    log.append(StreamEvent{"d"});
    log.close();
    co_await readers.join();
  };
  test::run_coro(loop, work());
  EXPECT_EQ(whole, "abcd");
  EXPECT_EQ(late, "cd");
  EXPECT_EQ(again, "bcd");
}

TEST(EventLog, EventsAreNumberedWithoutGapsAndSinksSeeThemInOrder) {
  struct Keeper final : EventSink {
    explicit Keeper(std::string& seen, char name) : seen_(seen), name_(name) {}
    void event(const Event& event) override {
      seen_ += name_ + std::to_string(event.sequence) + " ";
    }
    std::string& seen_;
    char name_;
  };
  std::string seen;
  Keeper journal(seen, 'j'), screen(seen, 's');
  asio::io_context loop(1);
  EventLog log(loop.get_executor(), "run-1", {&journal, &screen});
  log.append(StreamEvent{"a"});
  log.append(StreamEvent{"b"});
  EXPECT_EQ(seen, "j1 s1 j2 s2 ");
  EXPECT_EQ(log.events()[1].run, "run-1");
}

}  // namespace
}  // namespace caisson
