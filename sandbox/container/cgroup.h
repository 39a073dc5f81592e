// The cgroups of a container of ours, in whichever hierarchies this host has (v1, v2 or both).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace caisson {

// Directories called `name` at the top of each hierarchy.
std::vector<std::filesystem::path> find_cgroups(
    const std::string& name, const std::filesystem::path& top = "/sys/fs/cgroup");

// Names at the top of any hierarchy that begin with `prefix`, each once.
std::vector<std::string> cgroups_with_prefix(const std::string& prefix,
                                             const std::filesystem::path& top = "/sys/fs/cgroup");

// How many processes in it the kernel has killed for lack of memory; 0 when nobody counts.
std::uint64_t oom_kills(const std::string& name,
                        const std::filesystem::path& top = "/sys/fs/cgroup");

// Takes the CPU quota of a cgroup away; what it was, to be given back.
std::string lift_cpu_quota(const std::string& name,
                           const std::filesystem::path& top = "/sys/fs/cgroup");
void set_cpu_quota(const std::string& name, const std::string& quota,
                   const std::filesystem::path& top = "/sys/fs/cgroup");

// Kills whatever still runs in it, reaps what are children of ours, and removes the directories.
// True when nothing is left; a process takes a moment to die, so ask again.
bool sweep_cgroups(const std::string& name, const std::filesystem::path& top = "/sys/fs/cgroup");

}  // namespace caisson
