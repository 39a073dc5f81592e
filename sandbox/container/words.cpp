#include "sandbox/container/words.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace caisson {

std::string describe(const ContainerEnd& end) {
  std::string text;
  if (end.oom_kills != 0 && (end.signal == SIGKILL || end.code == 128 + SIGKILL)) {
    text = "killed by the kernel for lack of memory";
  } else if (end.signal != 0) {
    const char* name = ::sigabbrev_np(end.signal);
    text = fmt::format("killed by SIG{}", name == nullptr ? std::to_string(end.signal) : name);
  } else if (end.code < 0) {
    text = "ended";
  } else {
    text = fmt::format("exited with status {}", end.code);
  }
  return end.last_words.empty() ? text : text + ": " + end.last_words;
}

std::string last_line(std::string_view text) {
  while (!text.empty()) {
    const auto begin = text.rfind('\n');
    const auto line = begin == text.npos ? text : text.substr(begin + 1);
    std::string clean;
    for (const char letter : line.substr(0, 500)) {
      const auto code = static_cast<unsigned char>(letter);
      if (code >= 0x20 && code != 0x7f) clean += letter;
    }
    if (clean.find_first_not_of(' ') != std::string::npos) return clean;
    if (begin == text.npos) break;
    text = text.substr(0, begin);
  }
  return "";
}

std::string read_last_words(int fd) {
  // A pipe holds 64 KiB; more can only come while somebody writes on.
  std::string text;
  std::array<char, 4096> piece;
  for (int i = 0; i < 32; ++i) {
    const auto got = ::read(fd, piece.data(), piece.size());
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return last_line(text);
}

}  // namespace caisson
