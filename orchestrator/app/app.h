// The composition root: every long-lived object of the program is made here, by name.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "orchestrator/app/config.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"
#include "sandbox/container/backend.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"
#include "sandbox/session/manager.h"
#include "sandbox/session/named_session.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/session_store.h"

namespace caisson {

struct CheckedPolicy {
  Policy policy;
  CompiledPolicy compiled;
};

// How a named session remembers a policy: a bundled one's name, or a file's absolute path.
std::string lasting_policy_name(const std::string& reference);
// The same for an image: what names a directory becomes an absolute path.
std::string lasting_image_name(const std::string& image);

// Loads and compiles. Errors: bad_policy (all problems, a line each), not_found.
Result<CheckedPolicy> load_checked_policy(const std::string& reference);
// That of the configuration, with its image, within its ceilings. Errors: those too, and bad_policy
// for what is beyond a ceiling.
Result<CheckedPolicy> load_checked_policy(const Config& config);

class App {
 public:
  explicit App(Config config);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  const Config& config() const { return config_; }

  // The backend that the configuration names or, with `auto`, the one that works here: Docker when
  // a daemon answers, else runc. Chosen once. Errors: unavailable, with what to do.
  boost::asio::awaitable<Result<Backend*>> backend(Deadline deadline);

  // What backend() has chosen, for a person: "docker (Docker Engine 20.10.24 (API 1.41), …)".
  const std::string& backend_line() const { return backend_line_; }

  // The sandboxes of this process on that backend. Errors: those of backend().
  boost::asio::awaitable<Result<SandboxManager*>> manager(Deadline deadline);

  // A sandbox of the configured image. Removes first what orchestrators that were killed have left.
  // Errors: those of backend() and Sandbox::start(), not_found (the image).
  boost::asio::awaitable<Result<std::unique_ptr<Sandbox>>> start_sandbox(CheckedPolicy policy,
                                                                         Deadline deadline);

  // From now on some sandboxes of this policy and the configured image are started ahead, for
  // lease() of the same policy. The manager is closed before this goes. Errors: those of backend(),
  // not_found (the image).
  boost::asio::awaitable<Result<void>> keep_warm(CheckedPolicy policy, PoolSettings settings,
                                                 Deadline deadline);
  // A sandbox with an open session: a warm one when there is one, else a new one. Errors: as
  // start_sandbox().
  boost::asio::awaitable<Result<Lease>> lease(CheckedPolicy policy, Deadline deadline);

  // The named session of the configured policy, image and backend. `policy` is config().policy,
  // loaded. Waits briefly when another command has the session. Errors: those of backend() and
  // NamedSession::open(), unavailable (another command has it).
  boost::asio::awaitable<Result<std::unique_ptr<NamedSession>>> open_named(std::string name,
                                                                           NamedRequest::Want want,
                                                                           CheckedPolicy policy,
                                                                           Deadline deadline);

  const SessionStore& sessions() const { return sessions_; }

 private:
  boost::asio::awaitable<Result<SandboxOptions>> options_for(CheckedPolicy policy,
                                                             Deadline deadline);

  Config config_;
  const SessionStore sessions_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<SandboxManager> manager_;
  std::string backend_line_;
};

}  // namespace caisson
