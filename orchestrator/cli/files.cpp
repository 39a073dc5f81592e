#include "orchestrator/cli/files.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

namespace caisson {

Result<std::string> read_file(const std::string& path, std::uint64_t limit_bytes) {
  std::string text;
  std::array<char, 65536> buffer;
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) {
      return Error(Errc::bad_input,
                   fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
    }
  }
  std::istream& in = path == "-" ? std::cin : file;
  errno = 0;
  while (text.size() <= limit_bytes && (in.read(buffer.data(), buffer.size()), in.gcount() > 0)) {
    text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) {
    return Error(Errc::bad_input, fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  }
  return text;
}

}  // namespace caisson
