// The process from which all heads are forked. It never runs user code.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "sandbox/guest/init/pair.h"
#include "sandbox/guest/init/system.h"
#include "sandbox/wire/setup.h"

namespace caisson::guest {

struct Zygote {
  enum class State { none, starting, ready };

  // Forks it; it confines itself and runs the interpreter. False with errno on failure.
  bool spawn(const wire::Setup& setup);
  // Reads what it has written to stdout and stderr. False at the end.
  bool read_log(std::string& text);
  // Asks for a head, whose ends of pair and pipes are given. False when it cannot be asked.
  bool fork_head(std::uint16_t context, std::string_view request, std::vector<Fd> ends);

  State state = State::none;
  pid_t pid = 0;
  Pair pair;
  Fd log;
  std::uint32_t missing = 0;  // wire::Missing bits, of what it could not put in force
  std::string last_words;     // end of what it has written, for when it dies
};

}  // namespace caisson::guest
