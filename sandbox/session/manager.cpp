#include "sandbox/session/manager.h"

#include <fmt/format.h>

#include <cassert>

#include "sandbox/base/async.h"
#include "sandbox/session/named_session.h"
#include "sandbox/session/orphans.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

// Whether two leases may share a pool.
bool is_same(const SandboxOptions& one, const SandboxOptions& other) {
  return one.image == other.image && one.policy == other.policy && one.compiled == other.compiled;
}

asio::awaitable<void> close_sandbox(WarmSandbox held) {
  held.session.reset();
  try {
    co_await held.sandbox->close(Deadline::after(20s));
  } catch (const Fault&) {
    // Its directory is gone or nobody's now: the next removal of orphans tries again.
  }
}

}  // namespace

Lease::~Lease() {
  if (held_.sandbox) manager_.give_back(std::move(held_));
}

SandboxManager::SandboxManager(asio::any_io_executor executor, Backend& backend,
                               std::filesystem::path state_dir, Admission limits)
    : executor_(executor),
      backend_(backend),
      state_dir_(std::move(state_dir)),
      limits_(limits),
      closing_(executor) {}

SandboxManager::~SandboxManager() {
  assert(pools_.empty() && "close() before the manager goes");
}

asio::awaitable<void> SandboxManager::remove_orphans() {
  co_await caisson::remove_orphans(backend_, state_dir_);
}

asio::awaitable<Result<void>> remove_left_sandbox(Backend& backend, std::filesystem::path state_dir,
                                                  std::string id, Deadline deadline) {
  for (;;) {
    auto directory = SandboxDir::take_over(state_dir, id);
    if (!directory && directory.error().code == Errc::unavailable) {
      // Somebody looks whether it is an orphan; that does not take long.
      if (deadline.passed()) co_return directory.error();
      co_await sleep_for(20ms);
      continue;
    }
    // Another backend's: that one removes it when it looks for orphans.
    const auto owner = directory ? directory->facts().backend : "";
    if (!owner.empty() && owner != backend.name()) co_return boost::system::in_place_value;
    // Also without a directory: a container of that name would be nobody's.
    auto removed = co_await backend.remove(id, deadline);
    if (!removed && removed.error().code != Errc::not_found) co_return removed.error();
    if (directory) directory->remove();
    co_return boost::system::in_place_value;
  }
}

asio::awaitable<Result<void>> SandboxManager::remove_sandbox(std::string id, Deadline deadline) {
  co_return co_await remove_left_sandbox(backend_, state_dir_, std::move(id), deadline);
}

asio::awaitable<Result<std::unique_ptr<Sandbox>>> SandboxManager::start(SandboxOptions options,
                                                                        Deadline deadline) {
  // Counted by their directories, which a sandbox makes before anything else. Two processes that
  // look at the same moment may both be let in: the limits are a guard, not a wall.
  auto fits = admit(all_sandboxes(state_dir_), options.compiled.container_memory_bytes, limits_);
  if (!fits) co_return fits.error();
  co_return co_await Sandbox::start(backend_, std::move(options), deadline);
}

asio::awaitable<Result<WarmSandbox>> SandboxManager::start_warm(SandboxOptions options,
                                                                Deadline deadline) {
  auto sandbox = co_await start(std::move(options), deadline);
  if (!sandbox) co_return sandbox.error();
  WarmSandbox warm{std::move(*sandbox), nullptr};
  std::optional<Error> failure;
  std::exception_ptr fault;
  try {
    auto session = co_await warm.sandbox->open_session(nlohmann::json::object(), deadline);
    if (session) {
      warm.session = std::move(*session);
    } else {
      failure = session.error();
    }
  } catch (...) {
    fault = std::current_exception();
  }
  if (!failure && !fault) co_return std::move(warm);
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await close_sandbox(std::move(warm));
  if (fault) std::rethrow_exception(fault);
  co_return *failure;
}

void SandboxManager::keep_warm(SandboxOptions options, PoolSettings settings) {
  auto start = [this, options](Deadline deadline) { return start_warm(options, deadline); };
  pools_.push_back({std::move(options), std::make_unique<WarmPool>(executor_, std::move(start),
                                                                   close_sandbox, settings)});
}

std::size_t SandboxManager::warm() const {
  std::size_t count = 0;
  for (const auto& pool : pools_) count += pool.pool->ready();
  return count;
}

asio::awaitable<Result<Lease>> SandboxManager::lease(SandboxOptions options, Deadline deadline) {
  for (auto& pool : pools_) {
    if (!is_same(pool.options, options)) continue;
    if (auto warm = pool.pool->take()) co_return Lease(*this, std::move(*warm));
  }
  auto cold = co_await start_warm(std::move(options), deadline);
  if (!cold) co_return cold.error();
  co_return Lease(*this, std::move(*cold));
}

void SandboxManager::give_back(WarmSandbox held) {
  closing_.start(close_sandbox(std::move(held)));
}

asio::awaitable<void> SandboxManager::close() {
  for (auto& pool : pools_) co_await pool.pool->close();
  pools_.clear();
  co_await closing_.join();
}

}  // namespace caisson
