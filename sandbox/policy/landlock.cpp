#include "sandbox/policy/landlock.h"

#include <map>
#include <string_view>

namespace caisson {
namespace {

// linux/landlock.h of Debian 12 ends before ABI 3.
constexpr std::uint64_t execute = 1 << 0;
constexpr std::uint64_t write_file = 1 << 1;
constexpr std::uint64_t read_file = 1 << 2;
constexpr std::uint64_t read_dir = 1 << 3;
constexpr std::uint64_t remove_dir = 1 << 4;
constexpr std::uint64_t remove_file = 1 << 5;
constexpr std::uint64_t make_char = 1 << 6;
constexpr std::uint64_t make_dir = 1 << 7;
constexpr std::uint64_t make_reg = 1 << 8;
constexpr std::uint64_t make_sock = 1 << 9;
constexpr std::uint64_t make_fifo = 1 << 10;
constexpr std::uint64_t make_block = 1 << 11;
constexpr std::uint64_t make_sym = 1 << 12;
constexpr std::uint64_t refer = 1 << 13;      // ABI 2
constexpr std::uint64_t truncate = 1 << 14;   // ABI 3
constexpr std::uint64_t ioctl_dev = 1 << 15;  // ABI 5
constexpr std::uint64_t bind_tcp = 1 << 0;    // ABI 4
constexpr std::uint64_t connect_tcp = 1 << 1;
constexpr std::uint64_t scope_abstract_unix = 1 << 0;  // ABI 6
constexpr std::uint64_t scope_signal = 1 << 1;

constexpr std::uint64_t everything =
    execute | write_file | read_file | read_dir | remove_dir | remove_file | make_char | make_dir |
    make_reg | make_sock | make_fifo | make_block | make_sym | refer | truncate | ioctl_dev;
constexpr std::uint64_t reading = read_file | read_dir;
// Device nodes cannot be made, nor driven by ioctl, beneath any path.
constexpr std::uint64_t writing = reading | write_file | remove_dir | remove_file | make_dir |
                                  make_reg | make_sock | make_fifo | make_sym | refer | truncate;
// execve() opens the file for reading as well.
constexpr std::uint64_t executing = reading | execute;

// Of /proc only what says nothing about processes, mounts and the host's devices. /proc/self is not
// here: a rule names an inode, and the process that a later fork makes has another one; and its
// mountinfo has paths of the host.
constexpr std::string_view harmless_files[] = {
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/fs/pipe-max-size",
    "/proc/sys/kernel/cap_last_cap",
    "/proc/sys/kernel/ngroups_max",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/ostype",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/kernel/version",
    "/proc/sys/vm/overcommit_memory",
    "/proc/uptime",
    "/proc/version",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/possible",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
};

}  // namespace

bool landlock_path_too_wide(const std::string& path) {
  for (const std::string_view hidden : {"/proc", "/sys"}) {
    if (path == hidden || path.starts_with(std::string(hidden) + "/")) return true;
  }
  return path == "/";
}

Landlock make_landlock(const Policy& policy) {
  Landlock landlock;
  if (policy.runtime.landlock == Need::off) return landlock;
  landlock.enabled = true;
  landlock.handled_fs = everything;
  // Rules for ports name one port each, so loopback cannot be said here; there the empty network
  // namespace is the wall.
  if (policy.network.mode != NetworkMode::loopback) landlock.handled_net = bind_tcp | connect_tcp;
  // To its proxy and nowhere else, nor may it take the proxy's place.
  if (policy.network.mode == NetworkMode::proxy) landlock.ports = {{egress_port, connect_tcp}};
  // No signal reaches init, which is outside of the domain.
  landlock.scoped = scope_abstract_unix | scope_signal;

  std::map<std::string, std::uint64_t> rules;
  const auto grant = [&rules](std::string_view path, std::uint64_t access) {
    rules[std::string(path)] |= access;
  };
  for (const auto& path : policy.filesystem.read) grant(path, reading);
  for (const auto& path : policy.filesystem.write) grant(path, writing);
  for (const auto& path : policy.filesystem.execute) grant(path, executing);
  for (const auto& mount : policy.filesystem.mounts) {
    grant(mount.target, mount.read_only ? reading : writing);
    if (mount.executable) grant(mount.target, executing);
  }
  grant("/caisson", reading);  // the zygote reads the worker's sources from inside
  for (const auto path : harmless_files) grant(path, read_file);
  // With ioctl: without that right isatty() says EACCES, where programs expect ENOTTY.
  for (const auto* device : {"/dev/null", "/dev/zero", "/dev/full"}) {
    grant(device, read_file | write_file | truncate | ioctl_dev);
  }
  for (const auto* device : {"/dev/random", "/dev/urandom"}) grant(device, read_file | ioctl_dev);
  for (const auto& [path, access] : rules) landlock.rules.push_back({path, access});
  return landlock;
}

}  // namespace caisson
