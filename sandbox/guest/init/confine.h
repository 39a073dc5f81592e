// What is put in force between fork and exec, before any Python.
#pragma once

#include <cstdint>

#include "sandbox/wire/setup.h"

namespace caisson::guest {

// 0: none.
int landlock_abi();

// Body of the frame `confined`; the descriptor that comes with it, if any, is the listener of the
// seccomp filter.
struct Confined {
  std::uint32_t missing = 0;  // wire::Missing bits
};

// In a forked child: confines it as `setup` says and runs the interpreter, with `control` as
// descriptor 3 and `log` as stdout and stderr. When something that is required fails, sends
// `failed` with a sentence for a person and exits with status 1.
[[noreturn]] void become_zygote(const wire::Setup& setup, int control, int log);

}  // namespace caisson::guest
