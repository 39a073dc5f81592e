#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "orchestrator/app/config.h"
#include "orchestrator/cli/sources.h"

namespace caisson {

struct LearnFlags {
  std::string out;  // the policy is written there; empty: to standard output
  SourceFlags sources;

  void add_to(CLI::App& command, Config& config);
};

// The exit status.
int learn_policy(const CLI::App& command, const LearnFlags& flags, Config& config);

}  // namespace caisson
