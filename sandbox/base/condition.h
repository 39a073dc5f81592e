// Waiting until somebody else on the event loop has changed something.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "sandbox/base/deadline.h"

namespace caisson {

// Like a condition variable, for coroutines of one thread: look, and wait() while it is not so.
class Condition {
 public:
  explicit Condition(boost::asio::any_io_executor executor) : executor_(executor) {}
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // Wakes everybody who waits now.
  void notify();
  // Returns after a notify(), at the deadline, or when the caller is cancelled (its next co_await
  // throws then, unless it has switched that off). The condition must outlive the wait.
  boost::asio::awaitable<void> wait(Deadline deadline = Deadline::never());

 private:
  boost::asio::any_io_executor executor_;
  // A timer for each who waits: they have different deadlines, and moving the expiry of a shared
  // timer would wake the others.
  std::list<boost::asio::steady_timer> waiting_;
};

}  // namespace caisson
