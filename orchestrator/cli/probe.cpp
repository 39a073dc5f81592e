// caisson probe: attacks a sandbox on this host with the corpus that is shipped, under any policy.
//
// The corpus and its runner are Python, as the code in a sandbox is: an attack is read, run in a
// sandbox and run in the control container from one file. This command finds both, chooses the
// backend as every other command does, and becomes the runner.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/app/app.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

constexpr int exit_nothing_ran = 77;

struct ProbeFlags {
  std::string only;
  bool json = false;
  bool all = false;
};

// Which backend the configuration means here. Nothing, with the reason on stderr: none works.
std::optional<std::string> chosen_backend(const Config& config) {
  std::string name;
  run_command([&]() -> asio::awaitable<int> {
    App app(config);
    auto chosen = co_await app.backend(Deadline::after(10s));
    if (!chosen) {
      complain(chosen.error().message);
      co_return exit_infrastructure;
    }
    name = (*chosen)->name();
    co_return exit_ok;
  });
  if (name.empty()) return std::nullopt;
  return name;
}

void set_variable(const char* name, const std::string& value) {
  if (!value.empty()) ::setenv(name, value.c_str(), 1);
}

int become_runner(const Config& config, const ProbeFlags& flags, const std::string& backend) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  std::vector<std::string> words{"python3", "-B", (config.attacks_dir / "run.py").string()};
  words.insert(words.end(), {"--caisson", program.string(), "--backend", backend});
  words.insert(words.end(), {"--policy", config.policy});
  if (!config.image.empty()) words.insert(words.end(), {"--image", config.image});
  if (!flags.only.empty()) words.insert(words.end(), {"--only", flags.only});
  if (flags.json) words.emplace_back("--json");
  if (!flags.all) words.emplace_back("--by-leaf");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  // The runner starts this program again, which reads the same settings from there.
  set_variable("CAISSON_STATE", config.state_dir.string());
  set_variable("CAISSON_GUEST", config.guest_dir.string());
  set_variable("DOCKER_HOST", config.docker_host);
  ::execvp(argv[0], argv.data());
  complain(errno == ENOENT
               ? "the attacks are run by python3 on this host, which is not in PATH; install it"
               : fmt::format("python3: {}", std::strerror(errno)));
  return exit_nothing_ran;
}

int probe(const Config& config, const ProbeFlags& flags) {
  if (const auto policy = load_checked_policy(config); !policy) {
    complain(policy.error().message);
    return exit_usage;
  }
  std::error_code error;
  if (!std::filesystem::exists(config.attacks_dir / "run.py", error)) {
    complain(fmt::format("the attacks are not in {}; say where they are with CAISSON_ATTACKS",
                         config.attacks_dir.string()));
    return exit_nothing_ran;
  }
  const auto backend = chosen_backend(config);
  return backend ? become_runner(config, flags, *backend) : exit_nothing_ran;
}

}  // namespace

Command add_probe(CLI::App& cli, Config& config) {
  auto flags = std::make_shared<ProbeFlags>();
  auto* command = cli.add_subcommand("probe", "Attack a sandbox here and say what held");
  add_sandbox_flags(*command, config);
  command->add_option("--only", flags->only, "attacks with this in their id: K-04, R-")
      ->type_name("ID");
  command->add_flag("--all", flags->all, "a line for each attack, not for each key of the policy");
  command->add_flag("--json", flags->json, "as one JSON object");
  command->footer(
      "Each attack runs in a sandbox under the policy and, as root with runc, in a container "
      "where\n"
      "nothing holds it. It takes some minutes. What other sandboxes of this host leave meanwhile "
      "counts\nas a trace: run it when there are none.\n"
      "Exit status: 0 all as expected, 1 something is not, 2 wrong usage, 77 nothing could run.");
  auto run = [flags, &config]() -> int { return probe(config, *flags); };
  return {command, run};
}

}  // namespace caisson
