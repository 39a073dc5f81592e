// Opening what the host names, beneath a directory and nowhere else.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/guest/init/system.h"
#include "sandbox/wire/files.h"

namespace caisson::guest {

struct Opened {
  Fd fd;
  wire::FileProblem problem = wire::FileProblem::none;
  std::uint32_t error = 0;  // as FileAnswer has it
};

// nullopt-like: FileProblem::none when `path` may be asked for at all.
wire::FileProblem check_path(std::string_view path);

// Opens `path` with openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS).
Opened open_beneath(int directory, const std::string& path, int flags, mode_t mode = 0);

// The same for a file to read: regular ones only; never waits.
Opened open_regular(int directory, const std::string& path);

// The directory that `path` is to lie in; those that are missing are made. `name` gets the rest.
Opened open_parent(int directory, const std::string& path, std::string& name);

}  // namespace caisson::guest
