// What this host offers for confining code, found by asking the kernel, not by guessing versions.
#pragma once

#include <string>
#include <vector>

namespace caisson {

struct HostFacts {
  std::string kernel;           // "6.1.0-18-amd64"
  int landlock_abi = 0;         // 0: none
  bool seccomp_notify = false;  // SECCOMP_RET_USER_NOTIF: explained denials
  bool openat2 = false;         // init opens files beneath a directory with it
  bool close_range = false;
  int cgroup_version = 0;                       // 2, 1 (also hybrid), or 0 when none is mounted
  std::vector<std::string> cgroup_controllers;  // of that version: cpu, memory, pids, …
  bool user_namespaces = false;                 // may be made by this user
  bool root = false;
};

HostFacts look_at_host();

}  // namespace caisson
