// All sandboxes that one process has on one backend: what may be started, what is kept warm, who
// has which, and what earlier processes have left.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <list>
#include <memory>
#include <string>

#include "sandbox/base/deadline.h"
#include "sandbox/base/nursery.h"
#include "sandbox/base/result.h"
#include "sandbox/container/backend.h"
#include "sandbox/session/admission.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/session.h"
#include "sandbox/session/warm_pool.h"

namespace caisson {

// A sandbox with one open session, of one user until it is given back; then it is closed, and never
// given to anybody else.
class Lease {
 public:
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
  // Gives it back.
  ~Lease();

  Session& session() { return *held_.session; }
  Sandbox& sandbox() { return *held_.sandbox; }

 private:
  friend class SandboxManager;
  Lease(class SandboxManager& manager, WarmSandbox held)
      : manager_(manager), held_(std::move(held)) {}

  SandboxManager& manager_;
  WarmSandbox held_;
};

class SandboxManager {
 public:
  SandboxManager(boost::asio::any_io_executor executor, Backend& backend,
                 std::filesystem::path state_dir, Admission limits);
  // Owners call close() first.
  ~SandboxManager();
  SandboxManager(const SandboxManager&) = delete;
  SandboxManager& operator=(const SandboxManager&) = delete;

  Backend& backend() { return backend_; }

  // Removes what processes that were killed have left, and leaves named sessions alone.
  boost::asio::awaitable<void> remove_orphans();
  // Ends a sandbox of this host that nobody has now. No error when there is none. Errors: io,
  // unavailable.
  boost::asio::awaitable<Result<void>> remove_sandbox(std::string id, Deadline deadline);

  // Sandbox::start within the limits, which count all sandboxes of the state directory, whoever has
  // started them. The caller closes it. Errors: unavailable (it does not fit: what to do), those of
  // Sandbox::start.
  boost::asio::awaitable<Result<std::unique_ptr<Sandbox>>> start(SandboxOptions options,
                                                                 Deadline deadline);

  // From now on some sandboxes of this policy and image are started ahead.
  void keep_warm(SandboxOptions options, PoolSettings settings);
  // How many wait now, in all pools.
  std::size_t warm() const;
  // One of the warm ones when there is one for these options; else a new one. Errors: as start().
  boost::asio::awaitable<Result<Lease>> lease(SandboxOptions options, Deadline deadline);

  // Ends the pools and waits for what has been given back. All leases are over by then.
  boost::asio::awaitable<void> close();

 private:
  friend class Lease;
  struct Pool {
    SandboxOptions options;
    std::unique_ptr<WarmPool> pool;
  };

  boost::asio::awaitable<Result<WarmSandbox>> start_warm(SandboxOptions options, Deadline deadline);
  void give_back(WarmSandbox held);

  boost::asio::any_io_executor executor_;
  Backend& backend_;
  const std::filesystem::path state_dir_;
  const Admission limits_;
  Nursery closing_;
  std::list<Pool> pools_;
};

// As SandboxManager::remove_sandbox.
boost::asio::awaitable<Result<void>> remove_left_sandbox(Backend& backend,
                                                         std::filesystem::path state_dir,
                                                         std::string id, Deadline deadline);

}  // namespace caisson
