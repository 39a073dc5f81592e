// A session for as long as a command needs it: one of its own, or a named one.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "orchestrator/app/app.h"
#include "sandbox/session/session.h"

namespace caisson {

struct SessionFlags {
  std::string name;  // empty: a session that ends with the command
  bool fresh = false;
  bool must_exist = false;
};

// --session NAME and --fresh.
void add_session_flags(CLI::App& command, SessionFlags& flags);

// When the session is there: its policy, image and backend take the place of the defaults; what the
// user has written on this command line stands, and is compared when the session is opened. Call it
// before the policy is loaded. Errors: bad_input (the name; --fresh without one), protocol, io.
Result<void> use_settings_of_session(const CLI::App& command, const SessionFlags& flags,
                                     Config& config);

using WithSession = std::function<boost::asio::awaitable<int>(App& app, Session& session)>;

// Opens the session, runs `body`, and whatever happens, also when the command is cancelled, takes
// its sandbox down or, when it has a name, leaves it. Says what goes wrong. Returns the exit
// status: the body's, or that of what could not be started.
boost::asio::awaitable<int> with_session(const Config& config, CheckedPolicy policy,
                                         SessionFlags flags, WithSession body);

// The same for the named session as a whole, which `body` leaves (keep) or ends.
using WithNamed = std::function<boost::asio::awaitable<int>(NamedSession& session)>;
boost::asio::awaitable<int> with_named(const Config& config, CheckedPolicy policy,
                                       SessionFlags flags, WithNamed body);

}  // namespace caisson
