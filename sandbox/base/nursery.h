// Concurrent work whose owner outlives it. Nothing in this program is detached: a coroutine that
// runs beside another one is a child of a Nursery, and the nursery's owner joins it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <list>

namespace caisson {

class Nursery {
 public:
  explicit Nursery(boost::asio::any_io_executor executor);
  // All children must have been joined: destroying a nursery with live ones is our own mistake.
  ~Nursery();
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  // Starts a child. The first child that throws cancels its siblings; join() rethrows that error.
  void start(boost::asio::awaitable<void> child);
  // Asks all children to stop (terminal cancellation). Errors that this provokes are not reported.
  void cancel();
  // Waits until every child has ended. When the caller is cancelled, so are the children, and this
  // still waits for them.
  boost::asio::awaitable<void> join();

  bool empty() const { return children_.empty(); }

 private:
  void ended(std::list<boost::asio::cancellation_signal>::iterator child, std::exception_ptr error);

  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer all_ended_;
  std::list<boost::asio::cancellation_signal> children_;
  std::exception_ptr first_error_;
  bool cancelled_ = false;
};

}  // namespace caisson
