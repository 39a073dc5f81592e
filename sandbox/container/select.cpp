#include "sandbox/container/select.h"

#include <fmt/format.h>

#include "sandbox/container/docker.h"

namespace caisson {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

asio::awaitable<Result<ChosenBackend>> try_docker(BackendSettings settings, Deadline deadline) {
  auto target = docker_target(settings.docker);
  if (!target) co_return target.error();
  auto backend = std::make_unique<DockerBackend>(*target, settings.runc.state_dir.string());
  auto ready = co_await backend->probe(deadline);
  if (!ready) co_return ready.error();
  ChosenBackend chosen;
  chosen.why = fmt::format("docker ({})", *ready);
  chosen.backend = std::move(backend);
  co_return chosen;
}

asio::awaitable<Result<ChosenBackend>> try_runc(RuncOptions options, Deadline deadline) {
  auto backend = std::make_unique<RuncBackend>(std::move(options));
  auto ready = co_await backend->probe(deadline);
  if (!ready) co_return ready.error();
  ChosenBackend chosen;
  chosen.why = *ready;
  chosen.backend = std::move(backend);
  co_return chosen;
}

asio::awaitable<Result<ChosenBackend>> try_both(BackendSettings settings, Deadline deadline) {
  const auto soon = Deadline::after(1s).sooner(deadline);
  auto docker = co_await try_docker(settings, soon);
  std::string why_not;
  if (!docker) {
    why_not = docker.error().message;
  } else if (!static_cast<DockerBackend&>(*docker->backend).shares_files()) {
    why_not =
        "the daemon of DOCKER_HOST is on another host (--backend docker uses it nevertheless)";
  } else if (!settings.docker_image.empty()) {
    auto image = co_await docker->backend->find_image(settings.docker_image, soon);
    if (!image) why_not = image.error().message;
  }
  if (why_not.empty()) co_return docker;
  auto runc = co_await try_runc(settings.runc, deadline);
  if (runc) co_return runc;
  co_return Error(runc.error().code,
                  fmt::format("no backend can be used\n{}\n{}", why_not, runc.error().message));
}

}  // namespace

asio::awaitable<Result<ChosenBackend>> choose_backend(BackendSettings settings, Deadline deadline) {
  const auto wanted = settings.wanted;
  if (wanted == "auto") co_return co_await try_both(std::move(settings), deadline);
  if (wanted == "docker") co_return co_await try_docker(std::move(settings), deadline);
  if (wanted == "runc" || wanted == "crun") {
    auto options = settings.runc;
    const auto slash = options.program.rfind('/');
    // A path in the settings stands when it is a path to that program.
    const auto name =
        slash == std::string::npos ? options.program : options.program.substr(slash + 1);
    if (name != wanted) options.program = wanted;
    co_return co_await try_runc(std::move(options), deadline);
  }
  co_return Error(Errc::bad_input,
                  fmt::format("'{}' is not a backend: auto, docker, runc or crun", wanted));
}

}  // namespace caisson
