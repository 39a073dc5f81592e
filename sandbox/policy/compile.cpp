#include "sandbox/policy/compile.h"

#include <sys/resource.h>

#include "sandbox/policy/check.h"
#include "sandbox/policy/landlock.h"
#include "sandbox/policy/plan.h"
#include "sandbox/policy/seccomp.h"

namespace caisson {
namespace {

struct NamedLimit {
  const char* name;
  int resource;
};
constexpr NamedLimit limits[] = {
    {"core", RLIMIT_CORE},         {"fsize", RLIMIT_FSIZE},   {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE}, {"nofile", RLIMIT_NOFILE}, {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

std::vector<Rlimit> make_rlimits(const Policy& policy) {
  std::vector<Rlimit> rlimits;
  for (const auto& limit : limits) {
    const auto set = policy.resources.rlimits.find(limit.name);
    if (set != policy.resources.rlimits.end()) {
      rlimits.push_back({limit.resource, set->second, set->second});
    }
  }
  return rlimits;
}

}  // namespace

std::uint64_t container_memory_bytes(const Policy& policy) {
  // The head and each checkpoint may come to have a copy of their own of all that the code holds.
  std::uint64_t bytes = (policy.session.checkpoints + 1ULL) * policy.resources.memory_max_bytes;
  // Charged to the container beside the code: init with its unacknowledged frames (up to 8 MiB) and
  // the tails of the output; the zygote (measured: 32 MiB resident with numpy, half of it its own)
  // and some more for what a policy preloads; pipes, sockets, inodes.
  bytes += 96ULL << 20;
  // Page tables (measured: 104 to 140 KiB for a Python with numpy and its forks), kernel stack and
  // task structures of each process.
  bytes += policy.resources.pids_max * (160ULL << 10);
  // Files on a tmpfs are memory.
  for (const auto& mount : policy.filesystem.mounts) {
    if (mount.type == Mount::Type::tmpfs) bytes += mount.size_bytes;
  }
  if (policy.network.mode == NetworkMode::proxy) {
    // Of each connection: what init holds of it, and the kernel in its sockets. Some more are open
    // while they are told that they are too many.
    bytes += (policy.network.egress.max_connections + 32ULL) * (128ULL << 10);
  }
  constexpr std::uint64_t page = 4096;
  return (bytes + page - 1) / page * page;
}

Result<CompiledPolicy> compile(const Policy& policy) {
  auto findings = check(policy);
  std::erase_if(findings, [](const auto& finding) { return finding.severity != Severity::error; });
  if (!findings.empty()) return Error(Errc::bad_policy, to_text(findings));

  const auto plan = plan_syscalls(policy);
  auto filter = make_inner_filter(policy, plan);
  if (!filter) return filter.error();
  auto outer = make_outer_profile(policy, plan);

  CompiledPolicy compiled;
  compiled.seccomp_json = std::move(outer.oci);
  compiled.docker_seccomp_json = std::move(outer.docker);
  compiled.inner_filter = std::move(*filter);
  compiled.notified = notified_calls(policy, plan);
  compiled.landlock = make_landlock(policy);
  compiled.rlimits = make_rlimits(policy);
  compiled.container_memory_bytes = container_memory_bytes(policy);
  return compiled;
}

}  // namespace caisson
