#include "sandbox/container/spec.h"

#include <fmt/format.h>

#include <algorithm>

namespace caisson {
namespace {

// Processes of a sandbox that are not the policy's: init, the zygote, and, while a block ends, the
// fork that becomes the next checkpoint beside the one that it replaces; a few more for the runtime
// (runc's own threads are in the cgroup while a container starts).
constexpr std::uint32_t own_processes = 10;

constexpr std::uint32_t highest_id = 0x7ffffffe;

bool only(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [extra](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
           extra.find(letter) != extra.npos;
  });
}

// Absolute, without "..", "," or ":" (which separate options) and without control characters.
bool plain_path(const std::string& path) {
  if (!path.starts_with('/') || (path + "/").find("/../") != std::string::npos) return false;
  return std::none_of(path.begin(), path.end(), [](char letter) {
    return static_cast<unsigned char>(letter) < 0x20 || letter == ':' || letter == ',';
  });
}

}  // namespace

ContainerSpec make_spec(const Policy& policy, const CompiledPolicy& compiled, std::string image) {
  ContainerSpec spec;
  spec.image = std::move(image);
  spec.argv = {"/caisson/init", "--listen", "/run/caisson/channel.sock"};
  spec.proxy = policy.network.mode == NetworkMode::proxy;
  if (spec.proxy) {
    spec.argv.insert(spec.argv.end(),
                     {"--relay", "/run/caisson/egress.sock", std::to_string(egress_port)});
  }
  // init hands the interpreter the environment of the policy; this one is its own.
  spec.env = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  spec.working_dir = policy.process.working_dir;
  spec.hostname = policy.process.hostname;
  spec.user = policy.process.user;
  spec.group = policy.process.group;
  spec.mounts = policy.filesystem.mounts;
  spec.memory_bytes = compiled.container_memory_bytes;
  spec.cpus = policy.resources.cpus;
  spec.pids = policy.resources.pids_max + policy.session.checkpoints + own_processes;
  spec.rlimits = compiled.rlimits;
  spec.oom_score_adj = 0;  // of init; it raises that of the head
  spec.runtime = policy.runtime.handler;
  spec.seccomp_json = compiled.seccomp_json;
  spec.docker_seccomp_json = compiled.docker_seccomp_json;
  spec.loopback = policy.network.mode != NetworkMode::none;
  spec.labels["org.caisson.policy"] = policy.name;
  return spec;
}

void use_stdio_channel(ContainerSpec& spec) {
  spec.channel_dir.clear();
  spec.argv = {"/caisson/init", "--stdio"};
}

Result<void> check_spec(const ContainerSpec& spec) {
  const auto bad = [&spec](std::string what) {
    return Error(Errc::bad_input, fmt::format("container '{}': {}", spec.id, what));
  };
  if (spec.id.empty() || spec.id.size() > 40 || !only(spec.id, "-") || spec.id[0] == '-') {
    return bad("its id must be 1 to 40 of a-z, 0-9 and '-'");
  }
  if (spec.argv.empty()) return bad("it has no program to run");
  if (spec.hostname.size() > 63) return bad("its hostname is longer than 63 characters");
  if (spec.user == 0 || spec.user > highest_id || spec.group == 0 || spec.group > highest_id) {
    return bad("user and group must be numbers from 1 to 2147483646");
  }
  for (const auto& path : {spec.working_dir, spec.guest_dir}) {
    if (!plain_path(path)) return bad(fmt::format("'{}' is not a plain absolute path", path));
  }
  if (!spec.channel_dir.empty() && !plain_path(spec.channel_dir)) {
    return bad(fmt::format("'{}' is not a plain absolute path", spec.channel_dir));
  }
  if ((spec.working_dir + "/").starts_with("/proc/")) return bad("it cannot work in /proc");
  for (const auto& mount : spec.mounts) {
    if (!plain_path(mount.target)) {
      return bad(fmt::format("mount target '{}' is not a plain absolute path", mount.target));
    }
    if (mount.type == Mount::Type::bind && !plain_path(mount.source)) {
      return bad(fmt::format("mount source '{}' is not a plain absolute path", mount.source));
    }
    if (mount.type == Mount::Type::tmpfs && (mount.size_bytes == 0 || mount.inodes == 0)) {
      return bad(fmt::format("the tmpfs {} needs a size and a number of inodes", mount.target));
    }
  }
  if (spec.memory_bytes == 0 || spec.pids == 0 || spec.cpus <= 0) {
    return bad("memory, cpus and pids must be limited");
  }
  if (spec.seccomp_json.empty() && spec.docker_seccomp_json.empty()) {
    return bad("it has no system call filter");
  }
  return boost::system::in_place_value;
}

std::vector<std::string> tmpfs_options(const Mount& mount, const ContainerSpec& spec) {
  std::vector<std::string> options{"nosuid", "nodev"};
  if (!mount.executable) options.push_back("noexec");
  options.push_back(mount.read_only ? "ro" : "rw");
  options.push_back(fmt::format("size={}", mount.size_bytes));
  options.push_back(fmt::format("nr_inodes={}", mount.inodes));
  // The shared places are for everybody, as they are everywhere; the rest is the user's alone.
  const bool shared = mount.target == "/tmp" || mount.target == "/dev/shm";
  options.push_back(shared ? "mode=1777" : "mode=0700");
  options.push_back(fmt::format("uid={}", spec.user));
  options.push_back(fmt::format("gid={}", spec.group));
  return options;
}

}  // namespace caisson
