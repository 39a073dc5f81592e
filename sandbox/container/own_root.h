// OCI runtimes need `/` to be a mount point. In a plain chroot it is not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caisson {

// Whether `/` is a mount point, by the text of /proc/self/mountinfo.
bool has_root_mount(std::string_view mountinfo);

// The command that runs `argv` in a mount namespace where `/` is a mount point and everything lies
// where it was. `argv` itself where that is so already, or where we are not root and may not. The
// process is the same one: its pid, descriptors and exit status are those of `argv`.
//
// A container that is started so keeps the mounts around the chroot in its mount namespace, out of
// sight. Only a process that may call chroot or mount could get there; in a sandbox none may.
std::vector<std::string> in_own_root(std::vector<std::string> argv);

}  // namespace caisson
