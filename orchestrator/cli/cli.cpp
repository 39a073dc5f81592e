#include "orchestrator/cli/cli.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "orchestrator/app/config.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"

namespace caisson {

void add_ceiling_flag(CLI::App& command, Config& config) {
  command
      .add_option_function<std::vector<std::string>>(
          "--ceiling",
          [&config](const std::vector<std::string>& policies) {
            config.ceilings.insert(config.ceilings.end(), policies.begin(), policies.end());
          },
          "one more policy that the policy may not exceed")
      ->allow_extra_args(false)
      ->type_name("POLICY");
}

void add_sandbox_flags(CLI::App& command, Config& config) {
  command
      .add_option("--policy", config.policy, "a bundled policy (strict, standard, batch) or a file")
      ->capture_default_str()
      ->type_name("POLICY");
  add_ceiling_flag(command, config);
  command
      .add_option("--image", config.image,
                  "an image of ours, a Docker reference, or a directory; else the policy's, else "
                  "python")
      ->type_name("IMAGE");
  command.add_option("--backend", config.backend, "auto, docker or runc")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "docker", "runc"}))
      ->type_name("BACKEND");
  command.add_option("--state-dir", config.state_dir, "where images and live sandboxes are kept")
      ->capture_default_str()
      ->type_name("DIR");
  command.add_option("--docker-host", config.docker_host, "unix:///path or tcp://host:port")
      ->type_name("URL");
}

namespace {

// What a command printed must have arrived: a full disk is no success.
int run_and_flush(const Command& command) {
  int status = exit_infrastructure;
  std::string problem;
  try {
    status = command.run();
  } catch (const std::system_error& error) {
    problem = error.what();
  }
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) {
    problem = "not all of the output could be written";
  }
  if (problem.empty()) return status;
  if (status < 128) complain(problem);
  return status < 128 ? exit_infrastructure : status;
}

}  // namespace

int run_cli(int argc, char** argv) {
  auto config = config_from_environment();
  CLI::App cli(
      "Caisson runs CodeAct agents: a model writes Python, and every block of it runs in a\n"
      "sealed, stateful sandbox that does only what a YAML policy says.");
  cli.name("caisson");
  cli.set_version_flag("--version", "caisson 0.1.0");
  cli.require_subcommand(1);
  cli.footer(
      "'caisson COMMAND --help' explains a command. 'caisson doctor' says what works on this "
      "host.");
  const std::array commands{add_run(cli, config),      add_exec(cli, config),
                            add_sessions(cli, config), add_policy(cli, config),
                            add_probe(cli, config),    add_doctor(cli, config)};
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 has statuses of its own; ours are documented: 0 for help, 2 for wrong usage.
    return cli.exit(error) == 0 ? exit_ok : exit_usage;
  }
  config.state_dir = std::filesystem::absolute(config.state_dir);
  for (const auto& command : commands) {
    if (command.chosen->parsed()) return run_and_flush(command);
  }
  return exit_usage;
}

}  // namespace caisson
