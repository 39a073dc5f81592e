#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace caisson {

struct DiffFlags {
  std::string from;
  std::string to;
  bool json = false;

  void add_to(CLI::App& command);
};

// Prints what `to` grants, revokes and changes against `from`. The exit status.
int diff_policies(const DiffFlags& flags);

}  // namespace caisson
