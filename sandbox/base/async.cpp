#include "sandbox/base/async.h"

namespace caisson {

asio::awaitable<void> sleep_for(Clock::duration time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

asio::thread_pool& blocking_pool() {
  // Two threads: SQLite writes and file reads, never computing. The one static object of the
  // program, because a pool that dies before its last job would have to be joined everywhere.
  static asio::thread_pool pool(2);
  return pool;
}

}  // namespace caisson
