// Sandboxes that are started before somebody needs them: taking one is no more than handing it
// over.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sandbox/base/condition.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/nursery.h"
#include "sandbox/base/result.h"
#include "sandbox/session/pool_plan.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/session.h"

namespace caisson {

// A sandbox whose Python has been preloaded, and a session that is open in it.
struct WarmSandbox {
  std::unique_ptr<Sandbox> sandbox;
  std::unique_ptr<Session> session;
};

class WarmPool {
 public:
  using Start = std::function<boost::asio::awaitable<Result<WarmSandbox>>(Deadline)>;
  using Close = std::function<boost::asio::awaitable<void>(WarmSandbox)>;

  // Begins to fill at once. pool_plan.h says how many and when.
  WarmPool(boost::asio::any_io_executor executor, Start start, Close close, PoolSettings settings);
  // Owners call close() first.
  ~WarmPool();
  WarmPool(const WarmPool&) = delete;
  WarmPool& operator=(const WarmPool&) = delete;

  // One that waits and is alive, or nothing. It is the caller's from now on, and never comes back.
  std::optional<WarmSandbox> take();
  std::size_t ready() const { return ready_.size(); }
  // Why the last start failed; empty when it did not.
  const std::string& problem() const { return problem_; }

  // Ends all that wait, and those that are being started.
  boost::asio::awaitable<void> close();

 private:
  struct Waiting {
    Clock::time_point since;
    WarmSandbox warm;
  };

  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> start_one();
  void drop_dead();
  void expire(std::size_t count);

  Start start_;
  Close close_;
  const PoolSettings settings_;
  PoolState state_;
  std::deque<Waiting> ready_;
  std::string problem_;
  Nursery keeper_;   // run(), start_one()
  Nursery closing_;  // what has expired
  Condition change_;
};

}  // namespace caisson
