// Files that the user names on the command line.
#pragma once

#include <cstdint>
#include <string>

#include "sandbox/base/result.h"

namespace caisson {

// The file's text, or of standard input for "-". Reads little more than `limit_bytes`: whoever
// takes the text refuses what is longer. Error: bad_input, with the file's name.
Result<std::string> read_file(const std::string& path, std::uint64_t limit_bytes);

}  // namespace caisson
