#include "orchestrator/app/app.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "orchestrator/app/images.h"
#include "sandbox/container/select.h"
#include "sandbox/policy/ceiling.h"
#include "sandbox/policy/check.h"
#include "sandbox/policy/parse.h"

namespace caisson {

namespace asio = boost::asio;

namespace {

std::string image_for(const Config& config, const Policy& policy) {
  if (!config.image.empty()) return config.image;
  return policy.runtime.image.empty() ? std::string("python") : policy.runtime.image;
}

}  // namespace

Result<CheckedPolicy> load_checked_policy(const std::string& reference) {
  auto policy = load_policy(reference);
  if (!policy) return policy.error();
  auto compiled = compile(*policy);
  if (!compiled) return compiled.error();
  return CheckedPolicy{std::move(*policy), std::move(*compiled)};
}

namespace {

// A path of the host is mounted as what it leads to, and that is what must be allowed.
Result<void> follow_links(Policy& policy) {
  for (auto& mount : policy.filesystem.mounts) {
    std::error_code error;
    const auto real = std::filesystem::canonical(mount.source, error).string();
    if (mount.type != Mount::Type::bind || error || real == mount.source) continue;
    const auto named = std::exchange(mount.source, real);
    const auto findings = check(policy);
    if (has_errors(findings)) {
      return Error(Errc::bad_policy, fmt::format("{} leads through a symbolic link to {}:\n{}",
                                                 named, real, to_text(findings)));
    }
  }
  return boost::system::in_place_value;
}

}  // namespace

Result<CheckedPolicy> load_checked_policy(const Config& config) {
  auto checked = load_checked_policy(config.policy);
  if (!checked) return checked;
  // What another host has at these paths is not known here.
  const bool is_here = config.docker_host.empty() || config.docker_host.starts_with("unix:");
  if (is_here) {
    if (auto followed = follow_links(checked->policy); !followed) return followed.error();
  }
  auto wanted = checked->policy;
  wanted.runtime.image = image_for(config, wanted);
  for (const auto& ceiling : config.ceilings) {
    if (auto within = check_ceiling(wanted, checked->compiled, ceiling); !within) {
      return within.error();
    }
  }
  return checked;
}

std::string lasting_policy_name(const std::string& reference) {
  const bool is_file = reference.find('/') != std::string::npos || reference.ends_with(".yaml") ||
                       reference.ends_with(".yml");
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(reference, error);
  return is_file && !error ? path.string() : reference;
}

std::string lasting_image_name(const std::string& image) {
  std::error_code error;
  if (image.find('/') == std::string::npos || !std::filesystem::is_directory(image, error)) {
    return image;
  }
  return std::filesystem::absolute(image, error).lexically_normal().string();
}

App::App(Config config) : config_(std::move(config)), sessions_(config_.state_dir) {}

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

asio::awaitable<Result<SandboxManager*>> App::manager(Deadline deadline) {
  if (manager_) co_return manager_.get();
  auto chosen = co_await backend(deadline);
  if (!chosen) co_return chosen.error();
  Admission limits;
  limits.memory_bytes = 2 * host_memory_bytes();
  manager_ = std::make_unique<SandboxManager>(co_await asio::this_coro::executor, **chosen,
                                              config_.state_dir, limits);
  // What processes that were killed have left counts against the limits, and is nobody's.
  co_await manager_->remove_orphans();
  co_return manager_.get();
}

asio::awaitable<Result<SandboxOptions>> App::options_for(CheckedPolicy policy, Deadline deadline) {
  auto chosen = co_await backend(deadline);
  if (!chosen) co_return chosen.error();
  auto config = config_;
  config.image = image_for(config_, policy.policy);
  auto image = co_await find_image(**chosen, config, deadline);
  if (!image) co_return image.error();
  SandboxOptions options;
  options.policy = std::move(policy.policy);
  options.compiled = std::move(policy.compiled);
  options.image = std::move(*image);
  options.guest_dir = config_.guest_dir;
  options.state_dir = config_.state_dir;
  co_return options;
}

asio::awaitable<Result<std::unique_ptr<Sandbox>>> App::start_sandbox(CheckedPolicy policy,
                                                                     Deadline deadline) {
  auto all = co_await manager(deadline);
  if (!all) co_return all.error();
  auto options = co_await options_for(std::move(policy), deadline);
  if (!options) co_return options.error();
  co_return co_await (*all)->start(std::move(*options), deadline);
}

asio::awaitable<Result<void>> App::keep_warm(CheckedPolicy policy, PoolSettings settings,
                                             Deadline deadline) {
  auto all = co_await manager(deadline);
  if (!all) co_return all.error();
  auto options = co_await options_for(std::move(policy), deadline);
  if (!options) co_return options.error();
  (*all)->keep_warm(std::move(*options), settings);
  co_return boost::system::in_place_value;
}

asio::awaitable<Result<Lease>> App::lease(CheckedPolicy policy, Deadline deadline) {
  auto all = co_await manager(deadline);
  if (!all) co_return all.error();
  auto options = co_await options_for(std::move(policy), deadline);
  if (!options) co_return options.error();
  co_return co_await (*all)->lease(std::move(*options), deadline);
}

asio::awaitable<Result<std::unique_ptr<NamedSession>>> App::open_named(std::string name,
                                                                       NamedRequest::Want want,
                                                                       CheckedPolicy policy,
                                                                       Deadline deadline) {
  // Two commands in a row overlap for a moment when the first one is still saying goodbye.
  const auto soon = deadline.sooner(Deadline::after(std::chrono::seconds(3)));
  auto lock = co_await sessions_.lock(name, soon);
  if (!lock) co_return lock.error();
  auto all = co_await manager(deadline);
  if (!all) co_return all.error();
  NamedRequest request;
  request.name = std::move(name);
  request.image = lasting_image_name(image_for(config_, policy.policy));
  request.policy = lasting_policy_name(config_.policy);
  request.policy_hash = policy_fingerprint(policy.policy, policy.compiled);
  request.want = want;
  auto options = co_await options_for(std::move(policy), deadline);
  if (!options) co_return options.error();
  request.options = std::move(*options);
  co_return co_await NamedSession::open(**all, sessions_, std::move(*lock), std::move(request),
                                        deadline);
}

}  // namespace caisson
