#include "sandbox/base/condition.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace caisson {

void Condition::notify() {
  for (auto& timer : waiting_) timer.cancel();
}

boost::asio::awaitable<void> Condition::wait(Deadline deadline) {
  // Out of the list also when the coroutine is destroyed while it waits.
  struct Place {
    std::list<boost::asio::steady_timer>& list;
    std::list<boost::asio::steady_timer>::iterator timer;
    ~Place() { list.erase(timer); }
  };
  waiting_.emplace_back(executor_, deadline.when());
  const Place place{waiting_, std::prev(waiting_.end())};
  boost::system::error_code woken;
  co_await place.timer->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
}

}  // namespace caisson
