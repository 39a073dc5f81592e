#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace caisson {

struct ExplainFlags {
  std::string policy;
  std::vector<std::string> syscalls;
  std::vector<std::string> opens;
  std::vector<std::string> connects;
  std::vector<std::string> imports;
  std::vector<std::string> limits;
  bool json = false;

  void add_to(CLI::App& command);
};

// Prints an answer for each question. The exit status.
int explain_policy(const ExplainFlags& flags);

}  // namespace caisson
