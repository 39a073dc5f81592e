// Two things that Asio 1.24 (Boost 1.81) lacks: a timeout around a coroutine, and blocking work off
// the event loop. Everything else of ours runs on one thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace caisson {

namespace asio = boost::asio;

// Runs `work` until it ends or the deadline passes; in the latter case it is cancelled, joined (its
// frame is gone when this returns) and nothing comes back. Not `work || timer`: that operator waits
// for the first success, so a failed operation would wait out its whole timeout (asio issue #900).
//
// Throws what `work` throws. Cancellation of the caller reaches `work`.
template <class T>
asio::awaitable<std::optional<T>> with_timeout(asio::awaitable<T> work, Deadline deadline) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, deadline.when());
  auto task = asio::co_spawn(executor, std::move(work), asio::deferred);
  auto alarm = timer.async_wait(asio::deferred);
  auto group = asio::experimental::make_parallel_group(std::move(task), std::move(alarm));
  auto [order, error, value, timer_error] =
      co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (order[0] != 0) {
    // The timer was first. If the work failed for a reason of its own at the same moment, it is
    // still a timeout to the caller.
    co_return std::nullopt;
  }
  if (error) std::rethrow_exception(error);
  co_return std::optional<T>(std::move(value));
}

// The same for work without a value: true when it ended, false when the deadline passed first.
inline asio::awaitable<bool> with_timeout(asio::awaitable<void> work, Deadline deadline) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, deadline.when());
  auto task = asio::co_spawn(executor, std::move(work), asio::deferred);
  auto alarm = timer.async_wait(asio::deferred);
  auto group = asio::experimental::make_parallel_group(std::move(task), std::move(alarm));
  auto [order, error, timer_error] =
      co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (order[0] != 0) co_return false;
  if (error) std::rethrow_exception(error);
  co_return true;
}

// Runs `work` to its end even when the caller is cancelled meanwhile; the caller's next co_await
// throws then. For steps that must not be left half-done, with a bound of their own.
template <class T>
asio::awaitable<T> uninterrupted(asio::awaitable<T> work) {
  auto executor = co_await asio::this_coro::executor;
  auto alone = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
  co_return co_await asio::co_spawn(executor, std::move(work), std::move(alone));
}

asio::awaitable<void> sleep_for(Clock::duration time);

// Runs a blocking function on the small pool for such work and comes back to the caller's thread.
// `job` must not touch anything that the event loop touches.
asio::thread_pool& blocking_pool();

template <class F>
asio::awaitable<std::invoke_result_t<F>> run_blocking(F job) {
  auto body = [](F work) -> asio::awaitable<std::invoke_result_t<F>> { co_return work(); };
  co_return co_await asio::co_spawn(blocking_pool(), body(std::move(job)), asio::use_awaitable);
}

}  // namespace caisson
