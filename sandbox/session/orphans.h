// What processes that were killed have left on this host.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>

#include "sandbox/container/backend.h"

namespace caisson {

// Removes sandboxes of `backend` whose orchestrator is gone, with their containers, and containers
// of which there is not even a directory. Those that are kept for a named session are left alone
// while their container runs. What cannot be removed now is left to the next time.
boost::asio::awaitable<void> remove_orphans(Backend& backend, std::filesystem::path state_dir);

}  // namespace caisson
