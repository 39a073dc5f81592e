// Runs one coroutine to its end on a loop of its own. Inside a coroutine use only EXPECT_*.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <utility>

namespace caisson::test {

template <class T>
T run_coro(boost::asio::io_context& loop, boost::asio::awaitable<T> work) {
  auto result = boost::asio::co_spawn(loop, std::move(work), boost::asio::use_future);
  loop.restart();
  loop.run();
  return result.get();
}

template <class T>
T run_coro(boost::asio::awaitable<T> work) {
  boost::asio::io_context loop(1);
  return run_coro(loop, std::move(work));
}

}  // namespace caisson::test
