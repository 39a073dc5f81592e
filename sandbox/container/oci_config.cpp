#include "sandbox/container/oci_config.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <utility>

#include "sandbox/base/json.h"
#include "sandbox/container/host.h"

namespace caisson {

using nlohmann::json;

namespace {

constexpr std::array<const char*, 16> rlimit_names{
    "RLIMIT_CPU",      "RLIMIT_FSIZE", "RLIMIT_DATA",   "RLIMIT_STACK",
    "RLIMIT_CORE",     "RLIMIT_RSS",   "RLIMIT_NPROC",  "RLIMIT_NOFILE",
    "RLIMIT_MEMLOCK",  "RLIMIT_AS",    "RLIMIT_LOCKS",  "RLIMIT_SIGPENDING",
    "RLIMIT_MSGQUEUE", "RLIMIT_NICE",  "RLIMIT_RTPRIO", "RLIMIT_RTTIME"};

bool has_sys_resource() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    constexpr unsigned cap_sys_resource = 24;
    return (std::stoull(line.substr(7), nullptr, 16) >> cap_sys_resource & 1U) != 0;
  }
  return false;
}

json mount_entry(const char* type, const char* source, const std::string& target,
                 std::vector<std::string> options) {
  return {{"destination", target}, {"type", type}, {"source", source}, {"options", options}};
}

json bind_mount(const std::string& source, const std::string& target, bool read_only) {
  return mount_entry("bind", source.c_str(), target,
                     {"bind", "private", "nosuid", "nodev", read_only ? "ro" : "rw"});
}

json mounts_of(const ContainerSpec& spec) {
  json list = json::array();
  list.push_back(mount_entry("proc", "proc", "/proc", {"nosuid", "noexec", "nodev"}));
  // Holds the usual device files and nothing else; read-only once the runtime has made them.
  list.push_back(mount_entry("tmpfs", "tmpfs", "/dev",
                             {"nosuid", "noexec", "ro", "mode=755", "size=65536", "nr_inodes=64"}));
  for (const auto& wanted : spec.mounts) {
    if (wanted.type == Mount::Type::tmpfs) {
      list.push_back(mount_entry("tmpfs", "tmpfs", wanted.target, tmpfs_options(wanted, spec)));
    } else {
      list.push_back(bind_mount(wanted.source, wanted.target, wanted.read_only));
    }
  }
  list.push_back(bind_mount(spec.guest_dir, "/caisson", true));
  if (!spec.channel_dir.empty()) {
    auto channel = bind_mount(spec.channel_dir, "/run/caisson", false);
    channel["options"].push_back("noexec");
    list.push_back(std::move(channel));
  }
  return list;
}

json rlimits_of(const ContainerSpec& spec, const OciHost& host) {
  json list = json::array();
  for (auto limit : spec.rlimits) {
    const auto number = static_cast<std::size_t>(limit.resource);
    if (number >= rlimit_names.size()) continue;
    for (const auto& own : host.own_limits) {
      if (own.resource == limit.resource && !host.may_raise_limits) {
        limit.hard = std::min(limit.hard, own.hard);
        limit.soft = std::min(limit.soft, limit.hard);
      }
    }
    list.push_back({{"type", rlimit_names[number]}, {"soft", limit.soft}, {"hard", limit.hard}});
  }
  return list;
}

json resources_of(const ContainerSpec& spec, const OciHost& host) {
  const json no_devices = json::array({{{"allow", false}, {"access", "rwm"}}});
  json resources = {{"devices", no_devices}};
  if (host.cgroup_memory) {
    resources["memory"] = {{"limit", spec.memory_bytes}, {"swap", spec.memory_bytes}};
  }
  if (host.cgroup_cpu) {
    constexpr int period_us = 100000;
    const auto quota = std::max<std::int64_t>(1000, std::llround(spec.cpus * period_us));
    resources["cpu"] = {{"quota", quota}, {"period", period_us}};
  }
  if (host.cgroup_pids) resources["pids"] = {{"limit", spec.pids}};
  return resources;
}

json process_of(const ContainerSpec& spec, const OciHost& host) {
  json user = {{"uid", spec.user}, {"gid", spec.group}};
  if (host.rootless) user = {{"uid", 0}, {"gid", 0}};
  const json none = json::array();
  return {
      {"terminal", false},
      {"user", user},
      {"args", spec.argv},
      {"env", spec.env},
      {"cwd", spec.working_dir},
      {"capabilities",
       {{"bounding", none},
        {"effective", none},
        {"inheritable", none},
        {"permitted", none},
        {"ambient", none}}},
      {"rlimits", rlimits_of(spec, host)},
      {"noNewPrivileges", true},
      {"oomScoreAdj", host.may_raise_limits ? spec.oom_score_adj
                                            : std::max(spec.oom_score_adj, host.oom_score_adj)}};
}

}  // namespace

const std::vector<std::string>& masked_paths() {
  static const std::vector<std::string> paths{
      "/proc/acpi",          "/proc/asound",     "/proc/config.gz",
      "/proc/interrupts",    "/proc/kallsyms",   "/proc/kcore",
      "/proc/key-users",     "/proc/keys",       "/proc/kmsg",
      "/proc/latency_stats", "/proc/modules",    "/proc/sched_debug",
      "/proc/scsi",          "/proc/timer_list", "/proc/timer_stats",
      "/proc/sysrq-trigger", "/sys/firmware",    "/sys/devices/virtual/powercap",
      "/sys/kernel",         "/dev/mqueue"};
  return paths;
}

const std::vector<std::string>& readonly_paths() {
  static const std::vector<std::string> paths{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"};
  return paths;
}

std::string cgroup_name(const std::string& id) {
  return "caisson-" + id;
}

OciHost look_at_oci_host() {
  OciHost host;
  host.rootless = ::geteuid() != 0;
  host.user = {::geteuid(), ::getegid()};
  const auto facts = look_at_host();
  const auto has = [&facts](const char* controller) {
    return std::find(facts.cgroup_controllers.begin(), facts.cgroup_controllers.end(),
                     controller) != facts.cgroup_controllers.end();
  };
  host.cgroup_memory = has("memory");
  host.cgroup_cpu = has("cpu");
  host.cgroup_pids = has("pids");
  host.may_raise_limits = has_sys_resource();
  std::ifstream("/proc/self/oom_score_adj") >> host.oom_score_adj;
  for (int resource = 0; resource < static_cast<int>(rlimit_names.size()); ++resource) {
    rlimit own{};
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &own) == 0) {
      host.own_limits.push_back({resource, own.rlim_cur, own.rlim_max});
    }
  }
  return host;
}

Result<json> oci_config(const ContainerSpec& spec, const OciHost& host) {
  if (auto fine = check_spec(spec); !fine) return fine.error();
  auto filter = parse_json(spec.seccomp_json);
  if (!filter || !filter->is_object()) {
    return Error(Errc::bad_input, fmt::format("container '{}': its filter is not a JSON object "
                                              "(OCI linux.seccomp)",
                                              spec.id));
  }
  ContainerSpec mapped = spec;
  if (host.rootless) mapped.user = mapped.group = 0;

  json namespaces = json::array();
  for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
    namespaces.push_back({{"type", type}});
  }
  json linux_part = {{"namespaces", namespaces},
                     {"maskedPaths", masked_paths()},
                     {"readonlyPaths", readonly_paths()},
                     {"rootfsPropagation", "private"},
                     {"seccomp", std::move(*filter)}};
  if (host.rootless) {
    linux_part["namespaces"].push_back({{"type", "user"}});
    linux_part["uidMappings"] =
        json::array({{{"containerID", 0}, {"hostID", host.user.uid}, {"size", 1}}});
    linux_part["gidMappings"] =
        json::array({{{"containerID", 0}, {"hostID", host.user.gid}, {"size", 1}}});
  } else {
    linux_part["resources"] = resources_of(spec, host);
    linux_part["cgroupsPath"] = "/" + cgroup_name(spec.id);
  }
  json annotations = json::object();
  for (const auto& [name, value] : spec.labels) annotations[name] = value;
  annotations[sandbox_label] = spec.id;
  return json{{"ociVersion", "1.0.2"},
              {"process", process_of(spec, host)},
              {"root", {{"path", spec.image}, {"readonly", true}}},
              {"hostname", spec.hostname},
              {"mounts", mounts_of(mapped)},
              {"annotations", annotations},
              {"linux", linux_part}};
}

}  // namespace caisson
