#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "orchestrator/app/app.h"
#include "orchestrator/app/images.h"
#include "orchestrator/cli/advisories.h"
#include "orchestrator/cli/doctor.h"
#include "sandbox/base/process.h"
#include "sandbox/container/docker.h"
#include "sandbox/policy/bundled.h"

namespace caisson {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using enum Check::Result;

asio::awaitable<std::string> output_of(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  auto finished = co_await run(std::move(command), Deadline::after(5s));
  co_return finished && finished->status.ok() ? finished->out : "";
}

// The distribution's version of the package that has this program; empty when it has none, as for
// programs that were installed by hand.
asio::awaitable<std::string> package_version(std::string program) {
  std::string owner = co_await output_of({"dpkg-query", "-S", "*bin/" + program});
  owner = owner.substr(0, owner.find(':'));
  if (owner.empty()) co_return "";
  co_return co_await output_of({"dpkg-query", "-W", "-f=${Version}", owner});
}

void check_advisories(const std::string& component, const std::string& version,
                      const std::string& package, std::vector<Check>& checks) {
  for (const auto& advisory : advisories()) {
    if (advisory.component != component) continue;
    const auto now = standing(advisory, version, package);
    if (now == Standing::fixed) continue;
    const auto fixed = fmt::format("{}", fmt::join(advisory.fixed_in, ", "));
    checks.push_back(
        {component + " hole", degraded, fmt::format("{}: {}", advisory.id, advisory.what),
         now == Standing::distribution
             ? fmt::format("fixed by the distribution if patched: see the changelog of package "
                           "version {}; upstream it is {}",
                           package, fixed)
             : fmt::format("install {} {} or newer", component, fixed)});
  }
}

asio::awaitable<void> check_version(std::string component, std::string program, std::string version,
                                    std::vector<Check>& checks) {
  if (version.empty()) co_return;
  const auto package = co_await package_version(program);
  checks.push_back({component + " version", good,
                    package.empty() ? version : fmt::format("{} (package {})", version, package),
                    ""});
  check_advisories(component, version, package, checks);
}

// "runc version 1.1.5+ds1" on the first line.
std::string version_in(const std::string& text) {
  std::istringstream words(text.substr(0, text.find('\n')));
  for (std::string word; words >> word;) {
    if (word == "version" && words >> word) return word;
  }
  return "";
}

asio::awaitable<void> check_daemon(DockerApi& api, std::vector<Check>& checks) {
  auto version = co_await api.call("GET", "/version", nullptr, Deadline::after(5s));
  if (!version) co_return;
  co_await check_version("docker", "dockerd", version->value("Version", ""), checks);
  for (const auto& part : version->value("Components", nlohmann::json::array())) {
    if (part.value("Name", "") == "containerd") {
      co_await check_version("containerd", "containerd", part.value("Version", ""), checks);
    }
  }
  auto info = co_await api.call("GET", "/info", nullptr, Deadline::after(5s));
  if (!info) co_return;
  std::string handlers;
  const auto runtimes = info->value("Runtimes", nlohmann::json::object());
  for (const auto& [name, unused] : runtimes.items())
    handlers += (handlers.empty() ? "" : " ") + name;
  const bool second_kernel =
      handlers.find("runsc") != handlers.npos || handlers.find("kata") != handlers.npos;
  checks.push_back({"docker handlers", good, handlers,
                    second_kernel
                        ? ""
                        : "for a kernel of its own install Kata, make it known to the daemon, "
                          "and name it in runtime.handler (not tried by us)"});
}

asio::awaitable<bool> check_image(Backend& backend, const Config& config,
                                  std::vector<Check>& checks) {
  const auto deadline = Deadline::after(60s);
  const auto what = fmt::format("image on {}", backend.name());
  auto name = co_await find_image(backend, config, deadline);
  if (!name) {
    checks.push_back({what, bad, name.error().message, ""});
    co_return false;
  }
  auto image = co_await backend.find_image(*name, deadline);
  if (!image) {
    checks.push_back({what, bad, image.error().message, ""});
    co_return false;
  }
  checks.push_back({what, good, fmt::format("{}, {}", *name, image->digest), ""});
  co_return true;
}

// What a bundled policy asks for and does not get on this backend.
void check_policies(Backend& backend, const Config& config, std::vector<Check>& checks) {
  for (const auto& bundled : bundled_policies()) {
    const auto what = fmt::format("{} on {}", bundled.name, backend.name());
    const auto checked = load_checked_policy(std::string(bundled.name));
    if (!checked) {
      checks.push_back({what, bad, checked.error().message, ""});
      continue;
    }
    const auto& image = checked->policy.runtime.image;
    std::error_code error;
    if (!image.empty() && !std::filesystem::exists(config.state_dir / "images" / image, error)) {
      checks.push_back({what, degraded, fmt::format("its image '{}' has not been made", image),
                        "when it is wanted: images/python/build --name " + image});
      continue;
    }
    const auto missing =
        backend.missing_guarantees(make_spec(checked->policy, checked->compiled, ""));
    std::string lost;
    for (const auto& [guarantee, why] : missing) {
      lost += fmt::format("{}{}: {}", lost.empty() ? "" : "; ", guarantee, why);
    }
    checks.push_back({what, lost.empty() ? good : degraded, lost.empty() ? "keeps all of it" : lost,
                      lost.empty() ? "" : "each outcome says so; see the lines above"});
  }
}

asio::awaitable<bool> check_backend(Config config, std::string name, std::vector<Check>& checks) {
  config.backend = name;
  App app(config);
  auto chosen = co_await app.backend(Deadline::after(5s));
  if (!chosen) {
    checks.push_back({name, bad, chosen.error().message, ""});
    co_return false;
  }
  checks.push_back({name, good, app.backend_line(), ""});
  if (auto* docker = dynamic_cast<DockerBackend*>(*chosen)) {
    co_await check_daemon(docker->api(), checks);
  }
  const bool image = co_await check_image(**chosen, config, checks);
  check_policies(**chosen, config, checks);
  co_return image;
}

}  // namespace

asio::awaitable<bool> check_engines(const Config& config, std::vector<Check>& checks) {
  // The daemon uses the same runc.
  co_await check_version("runc", "runc", version_in(co_await output_of({"runc", "--version"})),
                         checks);
  const bool runc = co_await check_backend(config, "runc", checks);
  const bool docker = co_await check_backend(config, "docker", checks);
  co_return runc || docker;
}

}  // namespace caisson
