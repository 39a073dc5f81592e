// What the host tells init before the first process starts: body of the `setup` message, as tagged
// fields (u16 tag, u16 0, u32 length, bytes). Unknown tags are an error: the host must not believe
// that something is in force which an older init has skipped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caisson::wire {

struct SetupRlimit {
  std::uint32_t resource = 0;
  std::uint32_t reserved = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

struct SetupRule {  // Landlock, beneath a path
  std::string path;
  std::uint64_t access = 0;
};

struct SetupPort {  // Landlock, of a TCP port
  std::uint32_t port = 0;
  std::uint32_t reserved = 0;
  std::uint64_t access = 0;
};

struct SetupCall {  // how init answers a notified system call
  std::int32_t number = 0;
  std::int32_t error = 0;
  std::uint32_t mediation = 0;  // 0 refuse, 1 first exec only, 2 signal: not to protected
                                // processes, 3 let through, and `denied` with errno 0
};

struct SetupLimits {
  std::uint64_t stdout_bytes = 0;  // kept
  std::uint64_t stderr_bytes = 0;
  std::uint64_t total_bytes = 0;   // written, both; beyond it the block is killed
  std::uint64_t memory_bytes = 0;  // of the head: RLIMIT_DATA
  std::uint32_t idle_ms = 0;       // without a connected host, init ends the sandbox
  std::uint32_t lifetime_ms = 0;   // and after so long in any case
  std::int32_t oom_score_adj = 0;  // of everything below init
  std::uint32_t umask = 077;
  std::uint32_t checkpoints = 0;
  std::uint32_t kill_strays = 1;
  std::uint32_t kill_on_exceed = 0;  // 1: stdout_bytes and stderr_bytes kill
  std::uint32_t explain = 1;         // 0: install the filter without a listener
  std::int32_t niceness = 0;         // of everything below init, which is at 0
  std::uint32_t reserved = 0;
};

struct Setup {
  std::vector<std::string> argv;  // of the zygote; argv[0] is an absolute path or looked up in PATH
  std::vector<std::string> env;
  std::string working_dir;
  std::string worker_config;  // JSON for Python, passed on unread
  std::vector<SetupRlimit> rlimits;
  SetupLimits limits;
  std::string inner_filter;  // struct sock_filter[]; empty: none
  std::vector<SetupCall> calls;
  std::uint32_t landlock_required = 0;  // 1: fail when the kernel has none
  std::uint32_t notify_required = 0;
  std::uint64_t landlock_fs = 0;  // handled accesses; all three 0: no Landlock
  std::uint64_t landlock_net = 0;
  std::uint64_t landlock_scoped = 0;
  std::vector<SetupRule> landlock_rules;
  std::vector<SetupPort> landlock_ports;
};

std::string encode(const Setup& setup);
// False when the bytes are not a setup of this version.
bool decode(std::string_view bytes, Setup& setup);

}  // namespace caisson::wire
