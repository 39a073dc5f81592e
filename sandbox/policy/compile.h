// A policy, compiled to what each layer enforces. A pure function: same policy, same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/policy/policy.h"

namespace caisson {

// One rlimit, by its number on Linux.
struct Rlimit {
  int resource = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
  bool operator==(const Rlimit&) const = default;
};

// A path and the LANDLOCK_ACCESS_FS_* bits that are granted beneath it. init drops bits beyond the
// kernel's ABI, and, where the path is no directory, all but those for files (the kernel refuses
// them: EINVAL); a path that does not exist in the image is skipped.
struct LandlockRule {
  std::string path;
  std::uint64_t access = 0;
  bool operator==(const LandlockRule&) const = default;
};

// A TCP port and the LANDLOCK_ACCESS_NET_* bits that are granted for it.
struct LandlockPort {
  std::uint16_t port = 0;
  std::uint64_t access = 0;
  bool operator==(const LandlockPort&) const = default;
};

struct Landlock {
  bool enabled = false;
  std::uint64_t handled_fs = 0;   // LANDLOCK_ACCESS_FS_*
  std::uint64_t handled_net = 0;  // LANDLOCK_ACCESS_NET_*
  std::uint64_t scoped = 0;       // LANDLOCK_SCOPE_*
  std::vector<LandlockRule> rules;
  std::vector<LandlockPort> ports;
  bool operator==(const Landlock&) const = default;
};

// What init does with a system call that the inner filter hands to it.
enum class Mediation : std::uint8_t {
  refuse = 0,      // always answer `error`
  first_exec = 1,  // let through until the interpreter runs, then answer `error`
  signal = 2,      // let through unless the target is init, the zygote or a checkpoint
  audit = 3,       // let through and told: audit.h
};

// With network.mode: proxy, where the sandbox finds its proxy: a port of its own loopback.
inline constexpr std::uint16_t egress_port = 3128;

struct NotifiedCall {
  int number = 0;  // x86-64 system call
  int error = 0;   // errno of the answer
  Mediation mediation = Mediation::refuse;
  bool operator==(const NotifiedCall&) const = default;
};

struct CompiledPolicy {
  std::string seccomp_json;         // the container's own filter: an OCI "linux.seccomp" object
  std::string docker_seccomp_json;  // the same in the form of Docker's --security-opt seccomp=
  std::vector<std::uint8_t> inner_filter;  // struct sock_filter[], as seccomp(2) takes it
  std::vector<NotifiedCall> notified;      // how init answers what inner_filter hands to it
  Landlock landlock;
  std::vector<Rlimit> rlimits;
  bool audit = false;  // what is done is told, and the wall is wider: only audit.h makes such a one
  std::uint64_t container_memory_bytes = 0;  // (checkpoints + 1) x memory.max + a fixed allowance
  bool operator==(const CompiledPolicy&) const = default;
};

// What a container of this policy can come to use, in bytes: a multiple of the page size.
std::uint64_t container_memory_bytes(const Policy& policy);

// Errors: bad_policy (what check.h finds to be an error), with the YAML line, a line each.
Result<CompiledPolicy> compile(const Policy& policy);

}  // namespace caisson
