// How much memory processes use, as /proc tells it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

namespace caisson::guest {

// A line of /proc/<pid>/status or smaps_rollup, "RssAnon:     123 kB", in bytes; 0 when there is
// none. `name` begins with a line feed and ends with a colon.
std::uint64_t kilobytes_line(std::string_view text, std::string_view name);

// What is this process's own: anonymous and shared memory, and what of it is swapped out. Pages
// that it shares with a fork count in both. Costs one small file.
std::uint64_t resident_bytes(pid_t pid);

// The same with shared pages divided among those who share them; resident_bytes() when the kernel
// does not say. Costs a walk over the process's pages.
std::uint64_t proportional_bytes(pid_t pid);

}  // namespace caisson::guest
