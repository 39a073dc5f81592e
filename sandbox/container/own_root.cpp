#include "sandbox/container/own_root.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace caisson {

namespace {

// The new root is mounted on /proc, the one mount point that is surely there: made private first,
// it keeps the mount in here. Mounts on `/` itself would appear outside where that is shared.
constexpr const char* script =
    "mount --make-private /proc && mount --rbind / /proc &&"
    " exec chroot /proc /bin/sh -c 'mount --make-rslave / && cd \"$0\" && exec \"$@\"' \"$@\"";

}  // namespace

bool has_root_mount(std::string_view mountinfo) {
  while (!mountinfo.empty()) {
    auto line = mountinfo.substr(0, mountinfo.find('\n'));
    mountinfo.remove_prefix(std::min(line.size() + 1, mountinfo.size()));
    for (int field = 1; field < 5 && !line.empty(); ++field) {
      const auto space = line.find(' ');
      line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    }
    if (line.starts_with("/ ")) return true;
  }
  return false;
}

std::vector<std::string> in_own_root(std::vector<std::string> argv) {
  if (::geteuid() != 0) return argv;
  std::ifstream file("/proc/self/mountinfo");
  const std::string mountinfo(std::istreambuf_iterator<char>(file), {});
  if (mountinfo.empty() || has_root_mount(mountinfo)) return argv;
  std::vector<std::string> command{
      "unshare", "--mount", "--propagation", "unchanged", "/bin/sh", "-c", script, "sh", "/"};
  command.insert(command.end(), argv.begin(), argv.end());
  return command;
}

}  // namespace caisson
