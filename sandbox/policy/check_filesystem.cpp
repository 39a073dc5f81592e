#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "sandbox/policy/check_parts.h"
#include "sandbox/policy/landlock.h"

namespace caisson {
namespace {

bool beneath(std::string_view path, std::string_view directory) {
  return path == directory ||
         (path.starts_with(directory) && path.substr(directory.size()).starts_with('/'));
}

// Of the host: with any of these inside, the container is not one.
constexpr std::string_view forbidden_sources[] = {
    "/boot",
    "/dev",
    "/etc",
    "/proc",
    "/root",
    "/run",
    "/sys",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/kubelet",
    "/var/run",
};

// Of the sandbox: our own, the runtime's, or the kernel's.
constexpr std::string_view forbidden_targets[] = {
    "/bin",  "/caisson",     "/dev",  "/etc", "/lib", "/lib64",
    "/proc", "/run/caisson", "/sbin", "/sys", "/usr",
};

bool is_engine_socket(std::string_view path) {
  return path.ends_with(".sock") &&
         (path.find("docker") != path.npos || path.find("containerd") != path.npos ||
          path.find("podman") != path.npos || path.find("crio") != path.npos);
}

bool is_home(std::string_view path) {
  return path == "/home" || (path.starts_with("/home/") &&
                             path.find('/', std::string_view("/home/").size()) == path.npos);
}

bool has_keys(const std::string& path) {
  const auto closed = path + "/";
  for (const auto* part : {"/.ssh/", "/.aws/", "/.gnupg/", "/.kube/", "/.docker/", "/.config/"}) {
    if (closed.find(part) != closed.npos) return true;
  }
  return false;
}

}  // namespace

bool is_plain_path(const std::string& path) {
  if (!path.starts_with('/') || (path.size() > 1 && path.ends_with('/'))) return false;
  const auto closed = path + "/";
  for (const auto* part : {"//", "/./", "/../"}) {
    if (path.size() > 1 && closed.find(part) != closed.npos) return false;
  }
  return std::none_of(path.begin(), path.end(), [](char letter) {
    return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f;
  });
}

void PolicyCheck::check_mounts() {
  const auto& mounts = policy_.filesystem.mounts;
  for (const auto& mount : mounts) check_mount(mount);
  const auto& home = policy_.process.working_dir;
  const bool writable = std::any_of(mounts.begin(), mounts.end(), [&](const auto& mount) {
    return !mount.read_only && beneath(home, mount.target);
  });
  if (!writable) {
    warn("working_dir_read_only", "process.working_dir",
         fmt::format("'{}' is on no writable mount (add one to filesystem.mounts)", home));
  }
}

void PolicyCheck::check_mount(const Mount& mount) {
  const auto path = "filesystem.mounts." + mount.target;
  if (!is_plain_path(mount.target) || mount.target == "/") {
    error("mount_target", path, "the target must be a plain absolute path below / (/data)");
    return;
  }
  const bool shared_memory = mount.target == "/dev/shm";
  for (const auto taken : forbidden_targets) {
    if (beneath(mount.target, taken) && !shared_memory) {
      error("mount_target", path,
            fmt::format("nothing can be mounted on {} (choose another target, such as /data)",
                        taken));
    }
  }
  if (mount.type == Mount::Type::bind) return check_bind(mount, path);
  if (mount.size_bytes == 0) {
    error("tmpfs_unbounded", path, "a tmpfs needs a size: its files are memory (add size: 64Mi)");
  }
  if (mount.inodes == 0) {
    error(
        "tmpfs_unbounded", path,
        "a tmpfs needs a number of inodes: empty files fill the host's memory (add inodes: 4096)");
  }
  if (mount.executable && !mount.read_only && policy_.process.exec == Exec::allow) {
    warn("write_and_run", path + ".executable",
         "code can write programs here and start them (set executable: false)");
  }
}

void PolicyCheck::check_bind(const Mount& mount, const std::string& path) {
  const auto leaf = path + ".source";
  if (mount.source.empty()) {
    return error("bind_source", path, "a bind mount needs the path on the host (add source: /…)");
  }
  if (!is_plain_path(mount.source)) {
    return error("bind_source", leaf,
                 fmt::format("'{}' is not a plain absolute path (write it without '.', '..' or a "
                             "slash at its end)",
                             mount.source));
  }
  if (is_engine_socket(mount.source)) {
    return error("bind_engine_socket", leaf,
                 fmt::format("{} would give the sandbox the container engine, which is root on the "
                             "host (nobody can allow this)",
                             mount.source));
  }
  const auto* const forbidden = std::find_if(
      std::begin(forbidden_sources), std::end(forbidden_sources), [&](const auto directory) {
        // What lies above it has it inside.
        return beneath(mount.source, directory) || beneath(std::string(directory), mount.source);
      });
  if (forbidden != std::end(forbidden_sources) || mount.source == "/" || mount.source == "/usr") {
    return error("bind_system_path", leaf,
                 fmt::format("{} belongs to the host (mount a directory made for the sandbox)",
                             mount.source));
  }
  if (is_home(mount.source) || has_keys(mount.source)) {
    return error(
        "bind_home", leaf,
        fmt::format("{} has keys and histories in it (mount a directory below it)", mount.source));
  }
  if (!mount.read_only) {
    risk("bind_writable", path,
         "the code can change these files of the host (add read_only: true)");
  }
}

void PolicyCheck::check_paths(const std::vector<std::string>& paths, const std::string& leaf) {
  for (const auto& path : paths) {
    const auto where = fmt::format("{}[{}]", leaf, path);
    if (!is_plain_path(path)) {
      add(Severity::error, "bad_path", leaf,
          fmt::format("'{}' is not a plain absolute path", path));
      findings_.back().where = origin(where);
    } else if (landlock_path_too_wide(path)) {
      add(Severity::error, "path_too_wide", leaf,
          fmt::format("'{}' would show other processes and facts about the host (name the "
                      "directories that are needed)",
                      path));
      findings_.back().where = origin(where);
    }
  }
}

}  // namespace caisson
