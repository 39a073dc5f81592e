// Paths of a policy -> a Landlock ruleset.
#pragma once

#include "sandbox/policy/compile.h"

namespace caisson {

// Mounts, /caisson, and a few devices and harmless files of /proc are in it by themselves.
Landlock make_landlock(const Policy& policy);

// Whether a rule at `path` would show /proc, /sys or the whole of the root.
bool landlock_path_too_wide(const std::string& path);

}  // namespace caisson
