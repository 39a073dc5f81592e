#include "sandbox/base/nursery.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <utility>

namespace caisson {

namespace asio = boost::asio;

Nursery::Nursery(asio::any_io_executor executor)
    : executor_(executor), all_ended_(executor, asio::steady_timer::time_point::max()) {}

Nursery::~Nursery() {
  assert(children_.empty() && "join() before the nursery goes");
}

void Nursery::start(asio::awaitable<void> child) {
  auto place = children_.emplace(children_.end());
  auto done = [this, place](std::exception_ptr error) { ended(place, error); };
  asio::co_spawn(executor_, std::move(child), asio::bind_cancellation_slot(place->slot(), done));
}

void Nursery::cancel() {
  cancelled_ = true;
  // A child may end, and leave the list, inside its own emit().
  for (auto child = children_.begin(); child != children_.end();) {
    (child++)->emit(asio::cancellation_type::terminal);
  }
}

void Nursery::ended(std::list<asio::cancellation_signal>::iterator child,
                    std::exception_ptr error) {
  // The signal is still in use while its handler runs: it goes when the handler has returned.
  std::list<asio::cancellation_signal> gone;
  gone.splice(gone.begin(), children_, child);
  if (error && !cancelled_ && !first_error_) {
    first_error_ = error;
    cancel();
  }
  if (children_.empty()) all_ended_.cancel();
}

asio::awaitable<void> Nursery::join() {
  // Joining must go on while the caller is cancelled, so its cancellation is looked at by hand.
  co_await asio::this_coro::throw_if_cancelled(false);
  bool caller_cancelled = false;
  while (!children_.empty()) {
    boost::system::error_code ignored;
    co_await all_ended_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (!caller_cancelled && state.cancelled() != asio::cancellation_type::none) {
      caller_cancelled = true;
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      cancel();
    }
  }
  // The state belongs to the whole stack of coroutines, not to this function: put it back.
  if (caller_cancelled) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
  }
  co_await asio::this_coro::throw_if_cancelled(true);
  if (first_error_) std::rethrow_exception(std::exchange(first_error_, nullptr));
  if (caller_cancelled) throw boost::system::system_error(asio::error::operation_aborted);
}

}  // namespace caisson
