// Landlock's interface as of ABI 6. Debian 12's kernel headers lack most of it, so all of it is
// spelled out here; numbers are those of <linux/landlock.h>.
#pragma once

#include <cstdint>

namespace caisson::guest::landlock {

inline constexpr long sys_create_ruleset = 444;
inline constexpr long sys_add_rule = 445;
inline constexpr long sys_restrict_self = 446;
inline constexpr std::uint32_t create_version = 1;
inline constexpr int rule_path_beneath = 1;
inline constexpr int rule_net_port = 2;  // ABI 4

struct RulesetAttr {
  std::uint64_t handled_fs = 0;
  std::uint64_t handled_net = 0;  // ABI 4
  std::uint64_t scoped = 0;       // ABI 6
};

struct [[gnu::packed]] PathBeneathAttr {
  std::uint64_t allowed = 0;
  std::int32_t parent = -1;
};

struct NetPortAttr {
  std::uint64_t allowed = 0;
  std::uint64_t port = 0;  // host order
};

// Rights of the file system that an ABI knows: 13 in the first, then REFER (2), TRUNCATE (3),
// IOCTL_DEV (5).
constexpr std::uint64_t known_fs(int abi) {
  if (abi < 1) return 0;
  const int bits = 13 + (abi >= 2) + (abi >= 3) + (abi >= 5);
  return (std::uint64_t{1} << bits) - 1;
}
constexpr std::uint64_t known_net(int abi) {
  return abi >= 4 ? 3 : 0;
}  // BIND_TCP, CONNECT_TCP
constexpr std::uint64_t known_scoped(int abi) {
  return abi >= 6 ? 3 : 0;
}  // abstract unix, signal

// Rights that mean something for a file: EXECUTE, WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV. A
// rule on a file with any other is refused.
inline constexpr std::uint64_t of_files = 0x7 | 1 << 14 | 1 << 15;

}  // namespace caisson::guest::landlock
