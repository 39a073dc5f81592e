#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace caisson {

struct ExplainFlags {
  std::string policy;  // needed for all but denials
  std::vector<std::string> syscalls;
  std::vector<std::string> opens;
  std::vector<std::string> connects;
  std::vector<std::string> imports;
  std::vector<std::string> limits;
  std::vector<std::string> denials;  // ids, or "last"
  bool json = false;
  std::filesystem::path state_dir;  // where denials are kept

  void add_to(CLI::App& command);
};

// Prints an answer for each question. The exit status.
int explain_policy(const ExplainFlags& flags);

}  // namespace caisson
