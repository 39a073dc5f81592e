#include "sandbox/base/condition.h"

#include <gtest/gtest.h>

#include "sandbox/base/async.h"
#include "sandbox/base/nursery.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> waiter(Condition& condition, bool& open, Deadline deadline, int& through) {
  while (!open && !deadline.passed()) co_await condition.wait(deadline);
  if (open) ++through;
}

TEST(Condition, WakesEveryoneWhateverTheirDeadlines) {
  auto body = []() -> asio::awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    Condition condition(executor);
    bool open = false;
    int through = 0;
    Nursery nursery(executor);
    nursery.start(waiter(condition, open, Deadline::never(), through));
    nursery.start(waiter(condition, open, Deadline::after(1h), through));
    nursery.start(waiter(condition, open, Deadline::after(1ms), through));
    co_await sleep_for(5ms);
    open = true;
    condition.notify();
    co_await nursery.join();
    EXPECT_EQ(through, 2);
  };
  test::run_coro(body());
}

TEST(Condition, AWaitThatIsCancelledLeavesTheOthersAlone) {
  auto body = []() -> asio::awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    Condition condition(executor);
    bool open = false;
    int through = 0;
    EXPECT_FALSE(co_await with_timeout(waiter(condition, open, Deadline::never(), through),
                                       Deadline::after(1ms)));
    Nursery nursery(executor);
    nursery.start(waiter(condition, open, Deadline::never(), through));
    co_await sleep_for(1ms);
    open = true;
    condition.notify();
    co_await nursery.join();
    EXPECT_EQ(through, 1);
  };
  test::run_coro(body());
}

}  // namespace
}  // namespace caisson
