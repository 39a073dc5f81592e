#include "sandbox/policy/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "sandbox/policy/check_parts.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/groups.h"
#include "sandbox/policy/units.h"

namespace caisson {
namespace {

constexpr std::uint64_t MiB = 1 << 20;
// Larger ones have wrapped to root in a container runtime (CVE-2024-40635).
constexpr std::uint32_t highest_id = 0x7ffffffe;

bool only(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [extra](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || extra.find(letter) != extra.npos;
  });
}

bool is_identifier(std::string_view text) {
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') && only(text, "_");
}

bool is_module(std::string_view text) {
  while (true) {
    const auto dot = text.find('.');
    if (!is_identifier(text.substr(0, dot))) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

Origin PolicyCheck::origin(std::string path) const {
  while (!path.empty()) {
    const auto said = policy_.origins.find(path);
    if (said != policy_.origins.end()) return said->second;
    const auto cut = path.find_last_of(".[");
    path = cut == path.npos ? "" : path.substr(0, cut);
  }
  return {};
}

void PolicyCheck::add(Severity severity, std::string id, const std::string& path,
                      std::string text) {
  findings_.push_back({severity, std::move(id), path, std::move(text), origin(path)});
}

void PolicyCheck::risk(std::string id, const std::string& path, std::string text) {
  if (text.ends_with(')')) text.pop_back();
  text += fmt::format(", or take it on: acknowledge: {{{}: why}})", id);
  error(std::move(id), path, std::move(text));
}

void PolicyCheck::check_runtime() {
  const auto& runtime = policy_.runtime;
  if (!only(runtime.handler, "._-")) {
    error("bad_name", "runtime.handler",
          fmt::format("'{}' is not the name of a runtime (try runsc)", runtime.handler));
  }
  if (runtime.handler == "runsc" && runtime.landlock == Need::required) {
    warn("not_offered", "runtime.landlock",
         "gVisor has no Landlock, so nothing will start (use best_effort)");
  }
  // Images of ours have plain names, and what is in them is known by its digest.
  const auto& image = runtime.image;
  const bool is_directory = image.starts_with("/") || image.starts_with(".");
  const bool is_pinned = image.starts_with("sha256:") || image.find("@sha256:") != image.npos;
  if (!is_directory && !is_pinned && image.find_first_of("/:@") != image.npos) {
    risk("image_unpinned", "runtime.image",
         fmt::format("'{}' may be another image tomorrow (name it by its digest: …@sha256:…)",
                     image));
  }
  if (runtime.landlock != Need::required) {
    risk("landlock_optional", "runtime.landlock",
         "where it is off, a block can read /proc and reach its own checkpoints (use required)");
  }
  if (runtime.notify == Need::off) {
    if (policy_.process.exec == Exec::deny) {
      error("exec_needs_notify", "process.exec",
            "deny needs runtime.notify: the interpreter's own start must be let through (use "
            "notify: required, or exec: allow)");
    }
    if (policy_.session.checkpoints > 0) {
      risk("signals_unmediated", "runtime.notify",
           "without it a block can kill its own checkpoints (use required)");
    }
  }
}

void PolicyCheck::check_process() {
  const auto& process = policy_.process;
  const auto check_id = [this](std::uint32_t id, const std::string& path, const std::string& what) {
    if (id == 0) {
      error("uid_root", path,
            fmt::format("0 is root's {} (use a number from 1 to {}, such as 10001)", what,
                        highest_id));
    } else if (id > highest_id) {
      error("uid_too_high", path,
            fmt::format("{} is beyond {}: runtimes have taken such numbers for root (use 10001)",
                        id, highest_id));
    }
  };
  check_id(process.user, "process.user", "user");
  check_id(process.group, "process.group", "group");
  const auto& home = process.working_dir;
  if (!is_plain_path(home) || home == "/proc" || home.starts_with("/proc/") || home == "/sys" ||
      home.starts_with("/sys/")) {
    error("bad_path", "process.working_dir",
          fmt::format("'{}' is not a plain absolute path outside of /proc and /sys (try "
                      "/workspace)",
                      home));
  }
  const auto& host = process.hostname;
  if (host.empty() || host.size() > 63 || !only(host, "-") || host[0] == '-') {
    error("bad_name", "process.hostname",
          fmt::format("'{}' is not a host name: 1 to 63 of a-z, 0-9 and '-'", host));
  }
}

void PolicyCheck::check_syscall_names(const std::vector<std::string>& names,
                                      const std::string& leaf) {
  for (const auto& name : names) {
    if (name.starts_with('@') ? expand_group(name).has_value() : known_syscall(name)) continue;
    std::vector<std::string> candidates;
    if (name.starts_with('@')) {
      for (const auto& group : syscall_groups()) candidates.emplace_back(group.name);
    } else {
      for (const int number : known_syscall_numbers()) candidates.push_back(syscall_name(number));
    }
    const auto guess = nearest(name, candidates);
    error("unknown_syscall", leaf,
          fmt::format("there is no system call{} '{}' on x86-64 ({})",
                      name.starts_with('@') ? " group" : "", name,
                      guess.empty() ? "take it out" : "did you mean '" + guess + "'?"));
    findings_.back().where = origin(fmt::format("{}[{}]", leaf, name));
  }
}

void PolicyCheck::check_syscalls() {
  const auto& syscalls = policy_.syscalls;
  check_syscall_names(syscalls.allow, "syscalls.allow");
  check_syscall_names(syscalls.deny, "syscalls.deny");
  check_syscall_names(syscalls.missing, "syscalls.missing");
  check_syscall_names(syscalls.quiet, "syscalls.quiet");

  const auto members = [](const std::string& name) {
    auto calls = expand_group(name);
    return calls ? *calls : std::vector<std::string>{name};
  };
  const auto escape = *expand_group("@sandbox-escape");
  for (const auto& name : syscalls.allow) {
    for (const auto& call : members(name)) {
      if (!contains(escape, call)) continue;
      error("forbidden_syscall", "syscalls.allow",
            fmt::format("'{}'{} opens a way out of the sandbox or to its checkpoints (take it out)",
                        call, call == name ? "" : " of " + name));
      findings_.back().where = origin(fmt::format("syscalls.allow[{}]", name));
    }
    if (name == "execve" || name == "execveat" || name == "@exec") {
      add(Severity::warning, "no_effect", "syscalls.allow",
          fmt::format("'{}' has no effect: process.exec decides (take it out)", name));
      findings_.back().where = origin(fmt::format("syscalls.allow[{}]", name));
    }
  }

  const auto start = *expand_group("@start");
  for (const auto* leaf : {"syscalls.deny", "syscalls.missing"}) {
    const auto& names =
        leaf == std::string_view("syscalls.deny") ? syscalls.deny : syscalls.missing;
    for (const auto& name : names) {
      for (const auto& call : members(name)) {
        if (!contains(start, call)) continue;
        error("needed_syscall", leaf,
              fmt::format("without '{}'{} no interpreter starts ({})", call,
                          call == name ? "" : " of " + name,
                          call == "execve" ? "use process.exec: deny" : "take it out"));
        findings_.back().where = origin(fmt::format("{}[{}]", leaf, name));
      }
    }
  }
  std::set<std::string> allowed;
  for (const auto& name : syscalls.allow) {
    for (const auto& call : members(name)) allowed.insert(call);
  }
  std::vector<std::string> absent;
  for (const auto& call : start) {
    if (call != "execve" && !allowed.contains(call)) absent.push_back(call);
  }
  if (!absent.empty()) {
    error("needed_syscall", "syscalls.allow",
          fmt::format("no interpreter starts without {} (add @python)", fmt::join(absent, ", ")));
  }
}

void PolicyCheck::check_resources() {
  const auto& resources = policy_.resources;
  if (resources.memory_max_bytes == 0) {
    error("no_memory_limit", "resources.memory.max", "there must be a limit (try 512Mi)");
  } else if (resources.memory_max_bytes < 32 * MiB) {
    error("memory_too_small", "resources.memory.max",
          fmt::format("Python does not start in {} (use 32Mi or more)",
                      format_size(resources.memory_max_bytes)));
  }
  if (resources.pids_max == 0) {
    error("no_pids_limit", "resources.pids.max", "there must be a limit (try 64)");
  }
  const auto limit = [&](const char* name) { return resources.rlimits.find(name); };
  if (const auto files = limit("nofile"); files != resources.rlimits.end() && files->second < 32) {
    error("rlimit_too_small", "resources.rlimits.nofile",
          "Python needs more descriptors than that to start (use 64 or more)");
  }
  if (const auto stack = limit("stack"); stack != resources.rlimits.end() && stack->second < MiB) {
    error("rlimit_too_small", "resources.rlimits.stack",
          "Python overruns such a stack (use 1Mi or more)");
  }
  if (const auto core = limit("core"); core != resources.rlimits.end() && core->second > 0) {
    warn("core_files", "resources.rlimits.core",
         "a core file has all of the session's data in it (use 0)");
  }
  constexpr std::uint64_t large = 16ULL << 30;
  if (const auto bytes = container_memory_bytes(policy_); bytes > large) {
    warn("large_container", "session.checkpoints",
         fmt::format("{} checkpoints of {} and the tmpfs mounts reserve {} for each sandbox (lower "
                     "one of them)",
                     policy_.session.checkpoints, format_size(resources.memory_max_bytes),
                     format_size(bytes)));
  }
}

void PolicyCheck::check_times() {
  const auto& time = policy_.time;
  if (time.block >= time.session) {
    warn("times", "time.block", "one block may last longer than the whole session (lower it)");
  }
  if (time.kill_grace >= time.block) {
    warn("times", "time.kill_grace", "the grace is longer than the block's own time (lower it)");
  }
}

void PolicyCheck::check_output() {
  const auto& output = policy_.output;
  if (output.total_max_bytes < output.stdout_max_bytes ||
      output.total_max_bytes < output.stderr_max_bytes) {
    warn("output", "output.total.max_bytes",
         "blocks are killed before as much is written as is kept (raise it)");
  }
}

void PolicyCheck::check_python() {
  for (const auto& name : policy_.python.preload) {
    if (!is_module(name)) {
      error("bad_module", "python.preload", fmt::format("'{}' is not a module name", name));
      findings_.back().where = origin(fmt::format("python.preload[{}]", name));
    }
  }
  for (const auto& [name, module] : policy_.python.aliases) {
    if (!is_identifier(name) || !is_module(module)) {
      error(
          "bad_module", "python.aliases." + name,
          fmt::format("a name and a module are expected (np: numpy), not '{}: {}'", name, module));
    }
  }
  for (const auto& [module, hint] : policy_.python.deny) {
    if (!is_module(module)) {
      error("bad_module", "python.deny." + module,
            fmt::format("'{}' is not a module name", module));
    }
  }
}

void PolicyCheck::check_env() {
  for (const auto& [name, value] : policy_.env) {
    const auto path = "env." + name;
    if (!is_identifier(name)) {
      error("bad_name", path, fmt::format("'{}' is not a name of a variable", name));
    } else if (name == "LD_PRELOAD" || name == "LD_AUDIT" || name == "LD_LIBRARY_PATH") {
      error("env_loader", path,
            "this changes what the interpreter loads (build it into the image)");
    }
    for (const std::string_view word : {"TOKEN", "SECRET", "PASSWORD", "API_KEY", "ACCESS_KEY"}) {
      if (name.find(word) == name.npos) continue;
      risk("secret_in_env", path, "the code can read and print it (keep secrets on the host)");
      break;
    }
  }
}

void PolicyCheck::check_session() {
  if (policy_.session.checkpoints == 0) {
    add(Severity::note, "no_checkpoints", "session.checkpoints",
        "a block that is killed takes the session's state with it");
  }
}

std::vector<Finding> PolicyCheck::run() {
  check_runtime();
  check_process();
  check_mounts();
  check_paths(policy_.filesystem.read, "filesystem.read");
  check_paths(policy_.filesystem.write, "filesystem.write");
  check_paths(policy_.filesystem.execute, "filesystem.execute");
  if (policy_.filesystem.execute.empty() && policy_.runtime.landlock != Need::off) {
    error("nothing_executable", "filesystem.execute",
          "the interpreter itself must be executable (add /usr)");
  }
  check_egress();
  check_syscalls();
  check_resources();
  check_times();
  check_output();
  check_python();
  check_env();
  check_session();
  return std::move(findings_);
}

std::vector<Finding> check(const Policy& policy) {
  auto findings = PolicyCheck(policy).run();
  take_acknowledged(policy, findings);
  return findings;
}

}  // namespace caisson
