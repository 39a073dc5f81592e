#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace caisson {

struct CompileFlags {
  std::string policy;
  std::string out;  // a directory that is made; empty: only say what there is
  bool list = false;

  void add_to(CLI::App& command);
};

// The exit status.
int compile_policy(const CompileFlags& flags);

}  // namespace caisson
