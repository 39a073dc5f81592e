#include "orchestrator/app/app.h"

#include <fmt/format.h>

#include <utility>

#include "orchestrator/app/images.h"
#include "sandbox/container/select.h"
#include "sandbox/policy/parse.h"
#include "sandbox/session/sandbox_dir.h"

namespace caisson {

namespace asio = boost::asio;

Result<CheckedPolicy> load_checked_policy(const std::string& reference) {
  auto policy = load_policy(reference);
  if (!policy) return policy.error();
  auto compiled = compile(*policy);
  if (!compiled) return compiled.error();
  return CheckedPolicy{std::move(*policy), std::move(*compiled)};
}

App::App(Config config) : config_(std::move(config)) {}

App::~App() = default;

asio::awaitable<Result<Backend*>> App::backend(Deadline deadline) {
  if (backend_) co_return backend_.get();
  BackendSettings settings;
  settings.wanted = config_.backend;
  settings.docker = {config_.docker_host, config_.docker_cert_path, config_.docker_tls_verify};
  settings.runc.state_dir = config_.state_dir;
  // A daemon that is alive answers a ping at once.
  const auto soon = deadline.sooner(Deadline::after(std::chrono::seconds(10)));
  auto chosen = co_await choose_backend(std::move(settings), soon);
  if (!chosen) co_return chosen.error();
  backend_ = std::move(chosen->backend);
  backend_line_ = std::move(chosen->why);
  co_return backend_.get();
}

asio::awaitable<void> App::remove_orphans(Backend& backend) {
  for (const auto& orphan : find_orphans(config_.state_dir)) {
    // Without a name it never got as far as a container.
    if (!orphan.backend.empty() && orphan.backend != backend.name()) continue;
    auto removed = co_await backend.remove(orphan.id, Deadline::after(std::chrono::seconds(10)));
    if (!removed && removed.error().code != Errc::not_found) continue;
    remove_sandbox_dir(orphan.path);
  }
}

asio::awaitable<Result<std::unique_ptr<Sandbox>>> App::start_sandbox(CheckedPolicy policy,
                                                                     Deadline deadline) {
  auto chosen = co_await backend(deadline);
  if (!chosen) co_return chosen.error();
  co_await remove_orphans(**chosen);
  auto image = co_await find_image(**chosen, config_, deadline);
  if (!image) co_return image.error();
  SandboxOptions options;
  options.policy = std::move(policy.policy);
  options.compiled = std::move(policy.compiled);
  options.image = std::move(*image);
  options.guest_dir = config_.guest_dir;
  options.state_dir = config_.state_dir;
  co_return co_await Sandbox::start(**chosen, std::move(options), deadline);
}

}  // namespace caisson
