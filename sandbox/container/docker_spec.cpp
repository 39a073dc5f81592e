#include "sandbox/container/docker_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "sandbox/container/oci_config.h"

namespace caisson {

using nlohmann::json;

namespace {

// Docker's names, by the numbers that Linux gives them on x86-64 and arm64.
constexpr std::array<const char*, 16> ulimit_names{
    "cpu",     "fsize", "data",  "stack",      "core",     "rss",  "nproc",  "nofile",
    "memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

json bind_mount(const std::string& source, const std::string& target, bool read_only) {
  return {{"Type", "bind"},
          {"Source", source},
          {"Target", target},
          {"ReadOnly", read_only},
          {"BindOptions", {{"Propagation", "private"}}}};
}

json mounts_of(const ContainerSpec& spec, const std::string& guest_volume) {
  json list = json::array();
  if (spec.guest_delivery == ContainerSpec::GuestDelivery::volume) {
    list.push_back({{"Type", "volume"},
                    {"Source", guest_volume},
                    {"Target", "/caisson"},
                    {"ReadOnly", true},
                    {"VolumeOptions", {{"NoCopy", true}}}});
  } else {
    list.push_back(bind_mount(spec.guest_dir, "/caisson", true));
  }
  if (!spec.channel_dir.empty()) {
    list.push_back(bind_mount(spec.channel_dir, "/run/caisson", false));
  }
  for (const auto& mount : spec.mounts) {
    if (mount.type == Mount::Type::bind) {
      list.push_back(bind_mount(mount.source, mount.target, mount.read_only));
    }
  }
  return list;
}

json tmpfs_of(const ContainerSpec& spec, const DockerImage& image) {
  json all = json::object();
  for (const auto& volume : image.volumes) all[volume] = "ro,size=4096,nr_inodes=2";
  for (const auto& mount : spec.mounts) {
    if (mount.type == Mount::Type::bind) {
      all.erase(mount.target);
      continue;
    }
    auto options = tmpfs_options(mount, spec);
    // Docker adds noexec to what does not say otherwise.
    if (mount.executable) options.push_back("exec");
    all[mount.target] = joined(options);
  }
  return all;
}

json ulimits_of(const ContainerSpec& spec) {
  json list = json::array();
  for (const auto& limit : spec.rlimits) {
    const auto number = static_cast<std::size_t>(limit.resource);
    if (number >= ulimit_names.size()) continue;
    // RLIM_INFINITY is -1 in the API.
    list.push_back({{"Name", ulimit_names[number]},
                    {"Soft", static_cast<std::int64_t>(limit.soft)},
                    {"Hard", static_cast<std::int64_t>(limit.hard)}});
  }
  return list;
}

void add_limits(json& host, const ContainerSpec& spec, const DockerFacts& facts) {
  if (facts.pids_limit) host["PidsLimit"] = spec.pids;
  if (facts.memory_limit) host["Memory"] = spec.memory_bytes;
  if (facts.memory_limit && facts.swap_limit) host["MemorySwap"] = spec.memory_bytes;
  if (facts.cpu_quota) {
    const double cpus = facts.cpus > 0 ? std::min(spec.cpus, facts.cpus) : spec.cpus;
    host["NanoCpus"] = std::llround(cpus * 1e9);
  }
}

}  // namespace

Result<json> docker_create_body(const ContainerSpec& spec, const DockerImage& image,
                                const DockerFacts& facts, const std::string& guest_volume) {
  if (auto fine = check_spec(spec); !fine) return fine.error();
  if (spec.docker_seccomp_json.empty()) {
    return Error(Errc::bad_input,
                 fmt::format("container '{}' has no system call filter for Docker", spec.id));
  }
  const bool stdio = spec.channel_dir.empty();
  json host = {{"LogConfig", {{"Type", "none"}}},
               {"ReadonlyRootfs", true},
               {"Tmpfs", tmpfs_of(spec, image)},
               {"Mounts", mounts_of(spec, guest_volume)},
               {"CapDrop", {"ALL"}},
               {"SecurityOpt", {"no-new-privileges", "seccomp=" + spec.docker_seccomp_json}},
               {"IpcMode", "none"},
               {"CgroupnsMode", "private"},
               {"NetworkMode", "none"},
               {"Ulimits", ulimits_of(spec)},
               {"OomScoreAdj", spec.oom_score_adj},
               {"MaskedPaths", masked_paths()},
               {"ReadonlyPaths", readonly_paths()},
               {"AutoRemove", true}};
  add_limits(host, spec, facts);
  if (!spec.runtime.empty()) host["Runtime"] = spec.runtime;

  json labels = json::object();
  for (const auto& [name, value] : spec.labels) labels[name] = value;
  labels[sandbox_label] = spec.id;
  const json no_words = json::array();
  return json{{"Image", image.id},
              {"Entrypoint", spec.argv},
              {"Cmd", no_words},
              {"Env", spec.env},
              {"WorkingDir", spec.working_dir},
              {"Hostname", spec.hostname},
              {"User", fmt::format("{}:{}", spec.user, spec.group)},
              {"Labels", labels},
              {"Tty", false},
              {"OpenStdin", stdio},
              {"StdinOnce", false},
              // An image's own check would run a program of its choice every few seconds.
              {"Healthcheck", {{"Test", {"NONE"}}}},
              {"HostConfig", host}};
}

}  // namespace caisson
