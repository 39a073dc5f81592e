// A ContainerSpec as the config.json that runc, crun and their like read: OCI runtime-spec 1.0.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sandbox/base/result.h"
#include "sandbox/container/spec.h"

namespace caisson {

// What the host adds to a spec.
struct OciHost {
  // Set for a user who is not root: the container gets a user namespace in which its uid and gid 0
  // are this user's, and nothing else is mapped, so newuidmap(1) is not needed. The process runs
  // as 0 there, without capabilities; cgroup limits are left out, because such a user has none to
  // give.
  struct Rootless {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
  };
  bool rootless = false;
  Rootless user;
  bool cgroup_memory = true;  // controllers that this host has
  bool cgroup_cpu = true;
  bool cgroup_pids = true;
  // Of this process; without CAP_SYS_RESOURCE the container cannot get lower or higher ones.
  bool may_raise_limits = true;
  int oom_score_adj = 0;
  std::vector<Rlimit> own_limits;
};

// Facts about the machine and the user for the function below.
OciHost look_at_oci_host();

// Paths below /proc, /sys and /dev that the guest must not see, and those it may only read.
// Docker's and runc's defaults, and what they leave readable: /proc/interrupts
// (GHSA-6fw5-f8r9-fgfm), powercap (GHSA-jq35-85cj-fj4p), symbols and the kernel's configuration.
const std::vector<std::string>& masked_paths();
const std::vector<std::string>& readonly_paths();

// Errors: bad_input (check_spec, a filter that is not JSON).
Result<nlohmann::json> oci_config(const ContainerSpec& spec, const OciHost& host);

// Name of the cgroup of a container, in every hierarchy: found again by its prefix.
std::string cgroup_name(const std::string& id);

}  // namespace caisson
