// Packs a directory of ours for a daemon. There is no unpacking anywhere on the host.
#pragma once

#include <string>

#include "sandbox/base/result.h"

namespace caisson {

// Regular files and directories beneath `directory` as a POSIX ustar archive: sorted, owned by
// root, without times, so equal content gives equal bytes. Errors: io, too_large (a name that ustar
// cannot hold, or more than 64 MiB).
Result<std::string> make_tar(const std::string& directory);

std::string sha256_hex(const std::string& bytes);

}  // namespace caisson
