// A sandbox with one session, for as long as a command needs it.
#pragma once

#include <functional>

#include "orchestrator/app/app.h"
#include "sandbox/session/session.h"

namespace caisson {

using WithSession = std::function<boost::asio::awaitable<int>(App& app, Session& session)>;

// Starts a sandbox, opens a session, runs `body`, and takes the sandbox down whatever happens,
// also when the command is cancelled. Says what goes wrong. Returns the exit status: the body's, or
// that of what could not be started.
boost::asio::awaitable<int> with_session(const Config& config, CheckedPolicy policy,
                                         WithSession body);

}  // namespace caisson
