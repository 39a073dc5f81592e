#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace caisson {

struct PolicyTestFlags {
  std::vector<std::string> files;

  void add_to(CLI::App& command);
};

// Runs tables (sandbox/policy/expect.h); prints what is not as they say. The exit status.
int test_policies(const PolicyTestFlags& flags);

}  // namespace caisson
