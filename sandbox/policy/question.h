// What one can ask a policy: "socket:AF_INET", "/etc/passwd:w", "api.example.org:443", "ctypes",
// "memory". The forms are those of `caisson policy explain` and of *.expect.yaml.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace caisson {

struct Question {
  enum class Kind { syscall, open, connect, import, limit };
  enum class Access { read, write, execute };

  Kind kind = Kind::syscall;
  std::string text;  // as it was asked, for a person: "open /etc/passwd for writing"
  std::string name;  // of the call, path, host, module or limit
  int number = 0;    // syscall: of x86-64
  std::array<std::uint64_t, 6> args{};
  Access access = Access::read;
  std::uint16_t port = 0;
};

// NAME[:ARG[,ARG…]]: an argument is a number (0x too) or a constant such as AF_INET, SOCK_RAW,
// CLONE_NEWUSER; several of them with '|'. Those left out are 0.
// PATH[:r|w|x]: absolute; r when nothing is said. HOST:PORT. MODULE. Errors: bad_input (what it is
// not, and what is near).
Result<Question> read_question(Question::Kind kind, std::string_view text);

}  // namespace caisson
