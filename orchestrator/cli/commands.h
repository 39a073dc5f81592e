// The commands of the program. Each add_… describes its flags to the parser and returns what to do
// when the user has chosen it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "orchestrator/app/config.h"

namespace caisson {

struct Command {
  CLI::App* chosen = nullptr;
  std::function<int()> run;  // returns the exit status
};

Command add_exec(CLI::App& cli, Config& config);
Command add_run(CLI::App& cli, Config& config);
Command add_sessions(CLI::App& cli, Config& config);
Command add_policy(CLI::App& cli, Config& config);
Command add_probe(CLI::App& cli, Config& config);
Command add_doctor(CLI::App& cli, Config& config);

// --ceiling POLICY, beside those of the environment.
void add_ceiling_flag(CLI::App& command, Config& config);
// --policy, --ceiling, --image, --backend, --state-dir, --docker-host: the same for every command
// that starts a sandbox.
void add_sandbox_flags(CLI::App& command, Config& config);

}  // namespace caisson
