// Blocks from the command line: -c CODE and FILE, in the order in which they stand there.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/base/result.h"

namespace caisson {

// Where a block comes from: -c CODE, a file, or standard input ("-").
struct Source {
  std::string label;  // for messages: "-c", "plot.py"
  std::string text;
};

class SourceFlags {
 public:
  void add_to(CLI::App& command);
  bool none() const { return code_.empty() && files_.empty(); }
  // Error: bad_input, with the file's name.
  Result<std::vector<Source>> read(const CLI::App& command, std::uint64_t limit_bytes) const;

 private:
  std::vector<std::string> code_;
  std::vector<std::string> files_;
};

}  // namespace caisson
