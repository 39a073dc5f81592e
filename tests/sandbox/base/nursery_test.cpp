#include "sandbox/base/nursery.h"

#include <gtest/gtest.h>

#include "sandbox/base/async.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using test::run_coro;
using namespace std::chrono_literals;

struct Count {
  int& ended;
  ~Count() { ++ended; }
};

asio::awaitable<void> sleeper(Clock::duration time, int& ended) {
  Count count{ended};
  co_await sleep_for(time);
}
asio::awaitable<void> thrower() {
  throw Fault("child failed");
  co_return;
}

TEST(Nursery, JoinWaitsForEveryChild) {
  int ended = 0;
  auto body = [](int& n) -> asio::awaitable<void> {
    Nursery nursery(co_await asio::this_coro::executor);
    nursery.start(sleeper(1ms, n));
    nursery.start(sleeper(3ms, n));
    co_await nursery.join();
    EXPECT_EQ(n, 2);
  };
  run_coro(body(ended));
}

TEST(Nursery, TheFirstFailureCancelsSiblingsAndIsRethrown) {
  int ended = 0;
  auto body = [](int& n) -> asio::awaitable<void> {
    Nursery nursery(co_await asio::this_coro::executor);
    nursery.start(sleeper(1h, n));
    nursery.start(thrower());
    co_await nursery.join();
  };
  EXPECT_THROW(run_coro(body(ended)), Fault);
  EXPECT_EQ(ended, 1);
}

TEST(Nursery, CancelThenJoinIsACleanStop) {
  int ended = 0;
  auto body = [](int& n) -> asio::awaitable<void> {
    Nursery nursery(co_await asio::this_coro::executor);
    nursery.start(sleeper(1h, n));
    nursery.start(sleeper(1h, n));
    nursery.cancel();
    co_await nursery.join();
    EXPECT_EQ(n, 2);
  };
  run_coro(body(ended));
}

TEST(Nursery, CancellingTheOwnerCancelsAndJoinsTheChildren) {
  int ended = 0;
  auto owner = [](int& n) -> asio::awaitable<void> {
    Nursery nursery(co_await asio::this_coro::executor);
    nursery.start(sleeper(1h, n));
    co_await nursery.join();
  };
  EXPECT_FALSE(run_coro(with_timeout(owner(ended), Deadline::after(2ms))));
  EXPECT_EQ(ended, 1);
}

TEST(Nursery, JoinOfNoChildrenReturns) {
  auto body = []() -> asio::awaitable<void> {
    Nursery nursery(co_await asio::this_coro::executor);
    co_await nursery.join();
  };
  run_coro(body());
}

}  // namespace
}  // namespace caisson
