// An image for OCI runtimes: a directory with a root file system.
#pragma once

#include <string>

#include "sandbox/container/backend.h"

namespace caisson {

// The tree's metadata as text, a line a file, sorted: equal for equal builds. Reads all of it (30
// ms for 10,000 files), so call it through run_blocking(). Errors: not_found (no such directory, no
// python3 in it, with what to do).
Result<std::string> list_image_dir(const std::string& directory);

Error image_dir_missing(const std::string& directory);

}  // namespace caisson
