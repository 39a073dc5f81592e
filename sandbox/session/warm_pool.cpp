#include "sandbox/session/warm_pool.h"

#include <cassert>
#include <utility>

#include "sandbox/base/async.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

// Beyond the policy's own time.startup, which Sandbox::start keeps.
constexpr auto start_time = 120s;

}  // namespace

WarmPool::WarmPool(asio::any_io_executor executor, Start start, Close close, PoolSettings settings)
    : start_(std::move(start)),
      close_(std::move(close)),
      settings_(settings),
      keeper_(executor),
      closing_(executor),
      change_(executor) {
  state_.last_use = Clock::now();
  keeper_.start(run());
}

WarmPool::~WarmPool() {
  assert(keeper_.empty() && ready_.empty() && "close() before the pool goes");
}

asio::awaitable<void> WarmPool::run() {
  for (;;) {
    drop_dead();
    state_.ready.clear();
    for (const auto& each : ready_) state_.ready.push_back(each.since);
    const auto plan = plan_pool(settings_, state_, Clock::now());
    expire(plan.expire);
    for (std::size_t i = 0; i < plan.start; ++i) {
      ++state_.starting;
      keeper_.start(start_one());
    }
    co_await change_.wait(Deadline::at(plan.look_again));
  }
}

asio::awaitable<void> WarmPool::start_one() {
  std::string problem;
  try {
    auto warm = co_await start_(Deadline::after(start_time));
    if (warm) {
      ready_.push_back({Clock::now(), std::move(*warm)});
    } else {
      problem = warm.error().message;
    }
  } catch (const Fault& fault) {
    problem = fault.what();
  }
  --state_.starting;
  state_.failures = problem.empty() ? 0 : state_.failures + 1;
  if (!problem.empty()) state_.last_failure = Clock::now();
  problem_ = std::move(problem);
  change_.notify();
}

// A sandbox may end while it waits: by its own lifetime, or because somebody removed it.
void WarmPool::drop_dead() {
  for (auto each = ready_.begin(); each != ready_.end();) {
    if (!each->warm.session->closed()) {
      ++each;
      continue;
    }
    closing_.start(close_(std::move(each->warm)));
    each = ready_.erase(each);
  }
}

void WarmPool::expire(std::size_t count) {
  for (; count > 0; --count) {
    closing_.start(close_(std::move(ready_.front().warm)));
    ready_.pop_front();
  }
}

std::optional<WarmSandbox> WarmPool::take() {
  state_.last_use = Clock::now();
  drop_dead();
  std::optional<WarmSandbox> taken;
  if (!ready_.empty()) {
    taken = std::move(ready_.front().warm);
    ready_.pop_front();
  }
  change_.notify();
  return taken;
}

asio::awaitable<void> WarmPool::close() {
  keeper_.cancel();
  try {
    co_await keeper_.join();
  } catch (const std::exception&) {
    // A start that failed in another way than those it may: what it had begun is an orphan.
  }
  expire(ready_.size());
  co_await closing_.join();
}

}  // namespace caisson
