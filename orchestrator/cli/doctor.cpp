// caisson doctor: what works on this host, and what to do about what does not.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/doctor.h"
#include "orchestrator/cli/event_loop.h"
#include "sandbox/base/json.h"
#include "sandbox/container/host.h"

namespace caisson {
namespace {

std::string_view name(Check::Result result) {
  return result == Check::Result::good ? "ok" : result == Check::Result::degraded ? "less" : "no";
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

void check_kernel(const HostFacts& host, std::vector<Check>& checks) {
  using enum Check::Result;
  checks.push_back({"kernel", good, host.kernel, ""});
  const auto abi = host.landlock_abi;
  checks.push_back(
      {"Landlock",
       abi >= 6  ? good
       : abi > 0 ? degraded
                 : bad,
       abi > 0 ? fmt::format("ABI {}", abi) : "none",
       abi >= 6 ? ""
                : "kernel 6.12 or newer has all of it; with less, signals and the network are "
                  "left to seccomp, and policies that require it refuse to start"});
  checks.push_back(
      {"explained denials", host.seccomp_notify ? good : bad,
       host.seccomp_notify ? "seccomp user notification" : "no seccomp user notification",
       host.seccomp_notify ? "" : "kernel 5.5 or newer"});
  const auto has = [&](const char* controller) {
    return std::find(host.cgroup_controllers.begin(), host.cgroup_controllers.end(), controller) !=
           host.cgroup_controllers.end();
  };
  const bool limits = has("memory") && has("pids") && has("cpu");
  checks.push_back(
      {"cgroups", limits ? good : degraded,
       fmt::format("version {}: {}", host.cgroup_version, joined(host.cgroup_controllers)),
       limits ? "" : "memory, pids and cpu are needed to limit a whole sandbox"});
  checks.push_back({"kernel calls", host.openat2 && host.close_range ? good : bad,
                    fmt::format("openat2 {}, close_range {}", host.openat2 ? "yes" : "no",
                                host.close_range ? "yes" : "no"),
                    host.openat2 && host.close_range ? "" : "kernel 5.9 or newer"});
  checks.push_back({"user namespaces", host.user_namespaces ? good : degraded,
                    host.user_namespaces ? "usable" : "not usable",
                    host.user_namespaces || host.root
                        ? ""
                        : "rootless runc needs them: sysctl kernel.unprivileged_userns_clone=1"});
}

bool check_files(const Config& config, std::vector<Check>& checks) {
  using enum Check::Result;
  std::error_code error;
  const bool guest = std::filesystem::exists(config.guest_dir / "init", error);
  checks.push_back({"guest files", guest ? good : bad, config.guest_dir.string(),
                    guest ? "" : "build the program, or say where they are with CAISSON_GUEST"});
  return guest;
}

asio::awaitable<int> diagnose(Config config, bool json) {
  std::vector<Check> checks;
  check_kernel(look_at_host(), checks);
  const bool guest = check_files(config, checks);
  const bool ready = co_await check_engines(config, checks) && guest;
  if (json) {
    auto list = nlohmann::json::array();
    for (const auto& check : checks) {
      list.push_back({{"check", check.what},
                      {"result", name(check.result)},
                      {"finding", check.finding},
                      {"advice", check.advice}});
    }
    fmt::print("{}\n", to_text({{"ready", ready}, {"checks", list}}));
  } else {
    for (const auto& check : checks) {
      fmt::print("{:<5} {:<18} {}\n", name(check.result), check.what, check.finding);
      if (!check.advice.empty()) fmt::print("{:24} {}\n", "", check.advice);
    }
    fmt::print("\n{}\n",
               ready ? "Ready: sandboxes can be started here."
                     : "Not ready: see the lines that begin with 'no'. One backend is enough.");
  }
  co_return ready ? exit_ok : exit_infrastructure;
}

}  // namespace

Command add_doctor(CLI::App& cli, Config& config) {
  auto* command =
      cli.add_subcommand("doctor", "Say what works on this host and what to do about the rest");
  auto json = std::make_shared<bool>(false);
  command->add_option("--image", config.image, "name of an image of ours; else python")
      ->type_name("IMAGE");
  command->add_option("--state-dir", config.state_dir, "where images and live sandboxes are kept")
      ->capture_default_str()
      ->type_name("DIR");
  command->add_option("--docker-host", config.docker_host, "unix:///path or tcp://host:port")
      ->type_name("URL");
  command->add_flag("--json", *json, "as one JSON object");
  command->footer("Exit status: 0 sandboxes can be started, 3 not.");
  auto run = [json, &config]() -> int {
    return run_command([&] { return diagnose(config, *json); });
  };
  return {command, run};
}

}  // namespace caisson
