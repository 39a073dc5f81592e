// Small files that must be whole after a crash, and locks that end with the process.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace caisson {

// Puts `text` in the place of what is there, all of it or nothing, and on the disk before this
// returns. Only this user can read it. Error: io.
Result<void> replace_file(const std::filesystem::path& path, std::string_view text);

// The whole file. Errors: not_found, too_large, io.
Result<std::string> load_file(const std::filesystem::path& path, std::uint64_t limit_bytes);

// A lock on the file itself (flock), made when it is not there. It goes with the descriptor, and so
// with the process. A file that was removed and made again meanwhile is another one: the lock
// is always of the file that the path names now. Nothing when somebody else has it; errno says what
// went wrong otherwise.
enum class Locking { wait, try_once, try_existing };
OwnedFd lock_file(const std::filesystem::path& path, Locking how);

}  // namespace caisson
