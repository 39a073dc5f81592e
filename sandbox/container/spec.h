// Everything a backend needs to start one container: a value, the same for Docker and for OCI
// runtimes, so that both can be compared with one test.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"

namespace caisson {

// Where the parts of ours lie on the host that get mounted into every container.
struct GuestFiles {
  std::string directory;  // has `init` (static) and `worker/`; mounted read-only at /caisson
};

struct ContainerSpec {
  std::string id;                 // our name of the sandbox: [a-z0-9-]{1,40}
  std::string image;              // a Docker reference, or a directory with a root file system
  std::vector<std::string> argv;  // {"/caisson/init", …}
  std::vector<std::string> env;
  std::string working_dir;
  std::string hostname;
  std::uint32_t user = 0;
  std::uint32_t group = 0;

  std::string guest_dir;    // host directory mounted read-only at /caisson
  std::string channel_dir;  // host directory mounted at /run/caisson, init listens there;
                            // empty: the channel is stdin and stdout
  // How guest_dir gets to /caisson. `volume` is for a daemon that does not see our files: its
  // content is packed and sent once into a volume named after it (Docker only).
  enum class GuestDelivery { bind, volume };
  GuestDelivery guest_delivery = GuestDelivery::bind;
  std::vector<Mount> mounts;

  std::uint64_t memory_bytes = 0;  // without swap
  double cpus = 0;
  std::uint32_t pids = 0;       // the policy's plus what init and zygote need
  std::vector<Rlimit> rlimits;  // of the container: hard limits that bound the inner ones
  int oom_score_adj = 0;

  std::string runtime;              // Docker's runtime name, empty: its default
  std::string seccomp_json;         // OCI form
  std::string docker_seccomp_json;  // Docker form
  bool proxy = false;               // init relays the sandbox's proxy through channel_dir
  bool loopback = false;            // bring `lo` up in the empty network namespace

  std::map<std::string, std::string> labels;  // org.caisson.*: sandbox, policy, owner

  bool operator==(const ContainerSpec&) const = default;
};

// The label that every container of ours has; its value is ContainerSpec::id. Backends set it.
inline constexpr const char* sandbox_label = "org.caisson.sandbox";

// Limits, mounts and filters of `policy` for a container of `image`. The caller fills in id,
// guest_dir and channel_dir, and may add labels.
ContainerSpec make_spec(const Policy& policy, const CompiledPolicy& compiled, std::string image);

// The channel through stdin and stdout instead of a directory.
void use_stdio_channel(ContainerSpec& spec);

// bad_input for what no backend may be given: an id or hostname beyond its alphabet, no argv, a
// user or group beyond 1…2^31-2 (larger ones have wrapped to root: containerd CVE-2024-40635), a
// path that is not absolute or has a "..", a working directory in /proc (runc CVE-2024-21626), a
// tmpfs without size or inodes, limits that are 0, no filter.
Result<void> check_spec(const ContainerSpec& spec);

// Mount options of a tmpfs as mount(8) spells them, from which the user of `spec` can write to it.
std::vector<std::string> tmpfs_options(const Mount& mount, const ContainerSpec& spec);

}  // namespace caisson
