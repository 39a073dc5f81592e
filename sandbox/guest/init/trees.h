// Directories of branches: copied when a branch is made, moved when it takes the place of the
// session that it came from, removed when it ends. Never follows a symbolic link, never leaves its
// file system.
#pragma once

#include <sys/types.h>

#include <string>

namespace caisson::guest {

// In the working directory; what lies there belongs to no session's own files.
inline constexpr const char* branches_dir = ".branches";

// Starts a process that copies regular files, directories and symbolic links, but not branches_dir;
// -1 with errno when there can be none. It ends with a status for copying_problem().
pid_t start_copying(const std::string& from, const std::string& to);
// nullptr when all was copied; else a sentence for a person.
const char* copying_problem(int status);

// Puts what is in `from` in the place of what is in `to`, but for branches_dir, and removes `from`.
void replace_tree(const std::string& from, const std::string& to);

// Starts a process that removes a directory with all that is in it. -1: there can be none.
pid_t start_removing(const std::string& path);

}  // namespace caisson::guest
