#include "sandbox/base/async.h"

#include <gtest/gtest.h>

#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using test::run_coro;
using namespace std::chrono_literals;

asio::awaitable<int> answer() {
  co_return 42;
}
asio::awaitable<int> fail() {
  throw Fault("gone");
  co_return 0;
}
asio::awaitable<int> hang(bool& unwound) {
  struct Mark {
    bool& flag;
    ~Mark() { flag = true; }
  } mark{unwound};
  co_await sleep_for(1h);
  co_return 0;
}

TEST(WithTimeout, ReturnsTheValueOfWorkThatEndsInTime) {
  EXPECT_EQ(run_coro(with_timeout(answer(), Deadline::after(1h))), 42);
}

TEST(WithTimeout, RethrowsTheErrorAtOnceInsteadOfWaitingForTheTimer) {
  EXPECT_THROW(run_coro(with_timeout(fail(), Deadline::after(1h))), Fault);
}

TEST(WithTimeout, JoinsTheCancelledWorkBeforeItReturns) {
  bool unwound = false;
  EXPECT_EQ(run_coro(with_timeout(hang(unwound), Deadline::after(1ms))), std::nullopt);
  EXPECT_TRUE(unwound);
}

TEST(WithTimeout, NeverIsALongTime) {
  EXPECT_EQ(run_coro(with_timeout(answer(), Deadline::never())), 42);
}

TEST(RunBlocking, ComesBackToTheThreadOfTheCaller) {
  auto body = []() -> asio::awaitable<bool> {
    const auto here = std::this_thread::get_id();
    auto job = [] { return std::this_thread::get_id(); };
    const auto there = co_await run_blocking(job);
    co_return here != there&& here == std::this_thread::get_id();
  };
  EXPECT_TRUE(run_coro(body()));
}

TEST(Deadline, SoonerIsTheEarlierOne) {
  const auto now = Clock::now();
  EXPECT_EQ(Deadline::at(now).sooner(Deadline::never()).when(), now);
  EXPECT_EQ(Deadline::at(now).left(now + 1s), Clock::duration::zero());
  EXPECT_TRUE(Deadline::after(Clock::duration::max()).is_never());
}

}  // namespace
}  // namespace caisson
