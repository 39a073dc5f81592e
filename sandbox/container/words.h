// How a container ended, in words for a person, the same for all backends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace caisson {

struct ContainerEnd {
  int code = 0;                 // exit status of init when signal is 0; -1: not known
  int signal = 0;               // that ended init, or 0
  std::uint64_t oom_kills = 0;  // processes that the kernel killed in it
  std::string last_words;       // what it wrote to stderr last
};

// "killed by the kernel for lack of memory", "exited with status 3: no such file"
std::string describe(const ContainerEnd& end);

// The last line that is not empty, without control characters and at most 500 bytes long.
std::string last_line(std::string_view text);

// What is in a pipe now, its last line. Does not wait; -1 is no pipe.
std::string read_last_words(int fd);

}  // namespace caisson
