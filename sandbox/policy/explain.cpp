#include "sandbox/policy/explain.h"

#include <errno.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "sandbox/policy/denial.h"
#include "sandbox/policy/egress_verdict.h"
#include "sandbox/policy/fields.h"
#include "sandbox/policy/groups.h"
#include "sandbox/policy/units.h"
#include "sandbox/policy/verdict.h"

namespace caisson {
namespace {

using Verdict = Explanation::Verdict;

std::string error_name(int error) {
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? name : std::to_string(error);
}

// The entry of a list of calls that names this one, itself or by its group.
std::optional<std::string> entry_for(const std::vector<std::string>& list,
                                     const std::string& call) {
  for (const auto& entry : list) {
    if (entry == call) return entry;
    const auto members = expand_group(entry);
    if (members && std::find(members->begin(), members->end(), call) != members->end()) {
      return entry;
    }
  }
  return std::nullopt;
}

std::string list_rule(const Policy& policy, const std::string& leaf, const std::string& entry) {
  const auto element = fmt::format("{}[{}]", leaf, entry);
  return policy.origins.contains(element) ? rule_text(policy, element)
                                          : fmt::format("{}: {}", rule_text(policy, leaf), entry);
}

void explain_error(const Policy& policy, const std::string& call, int error,
                   Explanation& explanation) {
  explanation.error = error_name(error);
  if (const auto missing = entry_for(policy.syscalls.missing, call); error == ENOSYS && missing) {
    explanation.rule = list_rule(policy, "syscalls.missing", *missing);
    explanation.sees = "a kernel without this call, so that libraries take another way";
    explanation.fix = fmt::format("syscalls.missing-: [{}]", *missing);
    return;
  }
  if (const auto quiet = entry_for(policy.syscalls.quiet, call)) {
    explanation.rule = list_rule(policy, "syscalls.quiet", *quiet);
    explanation.sees = "the error, and nothing else: libraries try it on their own account";
    explanation.fix = fix_for_call(call);
    return;
  }
  explanation.rule = rule_text(policy, "syscalls.on_deny");
  explanation.sees = "the error without an explanation";
  explanation.fix = fix_for_call(call);
}

Result<Explanation> explain_syscall(const Policy& policy, const CompiledPolicy& compiled,
                                    const Question& question) {
  Explanation explanation;
  explanation.layer = "seccomp";
  SyscallInput input;
  input.number = static_cast<std::uint32_t>(question.number);
  input.args = question.args;
  const auto said = evaluate(compiled.inner_filter, input);
  if (!said) return said.error();
  using Kind = caisson::Verdict::Kind;
  if (said->kind == Kind::allow) {
    explanation.verdict = Verdict::allow;
    const auto entry = entry_for(policy.syscalls.allow, question.name);
    explanation.rule =
        entry ? list_rule(policy, "syscalls.allow", *entry) : rule_text(policy, "syscalls.allow");
    return explanation;
  }
  if (said->kind == Kind::error) {
    explain_error(policy, question.name, said->error, explanation);
    return explanation;
  }
  if (said->kind != Kind::notify) {
    explanation.error = "SIGSYS";
    explanation.rule = rule_text(policy, "syscalls.on_deny");
    explanation.sees =
        "nothing any more: the process is killed, and the session goes back to its "
        "last checkpoint";
    explanation.fix = fix_for_call(question.name);
    return explanation;
  }
  const auto notified =
      std::find_if(compiled.notified.begin(), compiled.notified.end(),
                   [&](const NotifiedCall& call) { return call.number == question.number; });
  const auto mediation =
      notified == compiled.notified.end() ? Mediation::refuse : notified->mediation;
  if (mediation == Mediation::signal) {
    explanation.verdict = Verdict::allow;
    explanation.layer = "init";
    explanation.rule = "protected processes (built in)";
    explanation.sees =
        "init decides: signals reach what the code has started, and nobody else (EPERM)";
    return explanation;
  }
  DeniedSyscall denied;
  denied.number = question.number;
  denied.args = question.args;
  denied.error = notified == compiled.notified.end() ? EPERM : notified->error;
  const auto text = explain_denial(policy, denied);
  explanation.error = text.error;
  explanation.rule = text.rule;
  explanation.sees = text.hint;
  explanation.fix = fix_for_call(question.name);
  if (mediation == Mediation::first_exec && policy.process.exec == Exec::allow) {
    explanation.verdict = Verdict::allow;
    explanation.error.clear();
    explanation.sees.clear();
    explanation.fix.clear();
  }
  return explanation;
}

// LANDLOCK_ACCESS_FS_EXECUTE, _WRITE_FILE, _READ_FILE
constexpr std::uint64_t bit_of(Question::Access access) {
  switch (access) {
    case Question::Access::execute:
      return 1 << 0;
    case Question::Access::write:
      return 1 << 1;
    case Question::Access::read:
      return 1 << 2;
  }
  return 0;
}

bool is_beneath(const std::string& path, const std::string& directory) {
  return path == directory || directory == "/" || path.starts_with(directory + "/");
}

// Which leaf a Landlock rule at this path comes from.
std::string origin_of_path(const Policy& policy, const std::string& path, Question::Access access) {
  for (const auto& mount : policy.filesystem.mounts) {
    if (mount.target == path) return rule_text(policy, "filesystem.mounts." + path);
  }
  const std::pair<const char*, const std::vector<std::string>*> lists[] = {
      {"filesystem.write", &policy.filesystem.write},
      {"filesystem.read", &policy.filesystem.read},
      {"filesystem.execute", &policy.filesystem.execute}};
  for (const auto& [leaf, paths] : lists) {
    if (access == Question::Access::execute && leaf != std::string_view("filesystem.execute")) {
      continue;
    }
    if (std::find(paths->begin(), paths->end(), path) != paths->end()) {
      return list_rule(policy, leaf, path);
    }
  }
  return path + " (built in)";
}

Explanation explain_open(const Policy& policy, const CompiledPolicy& compiled,
                         const Question& question) {
  Explanation explanation;
  const auto access = question.access;
  const char* leaf = access == Question::Access::read    ? "filesystem.read"
                     : access == Question::Access::write ? "filesystem.write"
                                                         : "filesystem.execute";
  if (access == Question::Access::execute && policy.process.exec == Exec::deny) {
    explanation.layer = "init";
    explanation.error = "EPERM";
    explanation.rule = fmt::format("{}: deny", rule_text(policy, "process.exec"));
    explanation.sees = "This session starts no programs: do it in Python.";
    explanation.fix = "process.exec: allow";
    return explanation;
  }
  // The root file system is mounted read-only, whatever Landlock says.
  if (access == Question::Access::write) {
    const auto writable = std::any_of(
        policy.filesystem.mounts.begin(), policy.filesystem.mounts.end(), [&](const Mount& mount) {
          return !mount.read_only && is_beneath(question.name, mount.target);
        });
    if (!writable && !question.name.starts_with("/dev/")) {
      explanation.layer = "mount";
      explanation.error = "EROFS";
      explanation.rule = rule_text(policy, "filesystem.mounts");
      explanation.sees = "a read-only file system";
      explanation.fix = fmt::format(
          "filesystem.mounts: {{{}: {{type: tmpfs, size: 16Mi, inodes: "
          "1024}}}}, or write below a mount",
          question.name);
      // Landlock looks first, and says no in its own words.
      if (!compiled.landlock.enabled) return explanation;
    }
  }
  if (!compiled.landlock.enabled) {
    explanation.verdict = Verdict::allow;
    explanation.layer = "landlock";
    explanation.rule = fmt::format("{}: off", rule_text(policy, "runtime.landlock"));
    return explanation;
  }
  // Landlock adds up what all directories above grant.
  std::uint64_t granted = 0;
  const LandlockRule* nearest_rule = nullptr;
  for (const auto& rule : compiled.landlock.rules) {
    if (!is_beneath(question.name, rule.path)) continue;
    granted |= rule.access;
    const bool grants = (rule.access & bit_of(access)) != 0;
    if (grants && (nearest_rule == nullptr || rule.path.size() > nearest_rule->path.size())) {
      nearest_rule = &rule;
    }
  }
  if ((granted & bit_of(access)) == 0) {
    explanation.layer = "landlock";
    explanation.error = "EACCES";
    explanation.rule = rule_text(policy, leaf);
    explanation.sees =
        fmt::format("PermissionError: {} is outside of what this session may {}", question.name,
                    access == Question::Access::read    ? "read"
                    : access == Question::Access::write ? "write"
                                                        : "start");
    const bool hidden = question.name.starts_with("/proc") || question.name.starts_with("/sys");
    const auto mount =
        std::find_if(policy.filesystem.mounts.begin(), policy.filesystem.mounts.end(),
                     [&](const Mount& each) { return is_beneath(question.name, each.target); });
    const bool on_a_mount = mount != policy.filesystem.mounts.end();
    explanation.fix = hidden ? ""
                      : access == Question::Access::execute && on_a_mount
                          ? fmt::format("filesystem.mounts.{}.executable: true", mount->target)
                      : access == Question::Access::write
                          ? "a writable mount there (filesystem.mounts)"
                          : fmt::format("{}+: [{}]", leaf, question.name);
    return explanation;
  }
  if (!explanation.error.empty()) return explanation;  // EROFS
  explanation.verdict = Verdict::allow;
  explanation.layer = "landlock";
  explanation.rule = origin_of_path(policy, nearest_rule->path, access);
  return explanation;
}

Result<Explanation> explain_connect(const Policy& policy, const CompiledPolicy& compiled,
                                    const Question& question) {
  const bool local = question.name == "localhost" || question.name.starts_with("127.") ||
                     question.name == "::1" || question.name == "[::1]";
  if (policy.network.mode == NetworkMode::proxy && local) {
    Explanation explanation;
    explanation.layer = "landlock";
    explanation.rule = rule_text(policy, "network.mode");
    const auto& ports = compiled.landlock.ports;
    const bool open = !compiled.landlock.enabled ||
                      std::any_of(ports.begin(), ports.end(), [&](const LandlockPort& each) {
                        return each.port == question.port;
                      });
    explanation.verdict = open ? Verdict::allow : Verdict::deny;
    explanation.sees = "the sandbox's own loopback, where only its proxy listens";
    if (!open) explanation.error = "EACCES";
    return explanation;
  }
  if (policy.network.mode == NetworkMode::proxy) {
    Explanation explanation;
    const auto verdict = judge(policy, question.name, question.port);
    explanation.layer = "egress";
    explanation.verdict = verdict.allowed ? Verdict::allow : Verdict::deny;
    explanation.rule = verdict.rule;
    if (verdict.allowed) {
      explanation.sees = "through the proxy alone; the address that the name has is checked too";
    } else {
      explanation.error = "HTTP 403";
      explanation.sees = verdict.hint;
      explanation.fix = fmt::format("network.egress.allow: {{{}: {{ports: [{}]}}}}", question.name,
                                    question.port);
    }
    return explanation;
  }
  auto socket = read_question(Question::Kind::syscall, "socket:AF_INET,SOCK_STREAM").value();
  auto explanation = explain_syscall(policy, compiled, socket);
  if (!explanation) return explanation;
  if (explanation->verdict == Verdict::allow) {
    explanation->layer = "network namespace";
    explanation->rule = rule_text(policy, "network.mode");
    if (!local) {
      explanation->verdict = Verdict::deny;
      explanation->error = "ENETUNREACH";
      explanation->sees = "a machine that has only its loopback address";
      explanation->fix = "network.mode: proxy, and the host in network.egress.allow";
    } else {
      explanation->sees = "the sandbox's own loopback, not the host's";
    }
  }
  return explanation;
}

Explanation explain_module(const Policy& policy, const Question& question) {
  Explanation explanation;
  explanation.layer = "python";
  const auto text = explain_import(policy, question.name);
  if (!text) {
    explanation.verdict = Verdict::allow;
    explanation.rule = rule_text(policy, "python.deny");
    explanation.sees = "the module, if the image has it";
    return explanation;
  }
  explanation.rule = text->rule;
  explanation.sees = text->hint;
  if (policy.python.guidance == Guidance::refuse) {
    explanation.error = text->error;
  } else {
    explanation.verdict = Verdict::allow;
  }
  explanation.fix =
      "python.deny with this module and an empty value takes it out; it is guidance, what stops "
      "code is the kernel";
  return explanation;
}

struct LimitName {
  std::string_view name;
  std::string_view leaf;
  std::string_view layer;
  std::string_view sees;
};

constexpr LimitName limits[] = {
    {"memory", "resources.memory.max", "rlimit",
     "MemoryError, then the block is killed and the state goes back to its checkpoint"},
    {"pids", "resources.pids.max", "cgroup", "EAGAIN: no more processes and threads"},
    {"cpus", "resources.cpus", "cgroup", "a slower processor"},
    {"nofile", "resources.rlimits.nofile", "rlimit", "EMFILE"},
    {"fsize", "resources.rlimits.fsize", "rlimit", "EFBIG"},
    {"stack", "resources.rlimits.stack", "rlimit", "SIGSEGV, and the state from the checkpoint"},
    {"core", "resources.rlimits.core", "rlimit", "no core file"},
    {"block", "time.block", "init", "KeyboardInterrupt, then SIGKILL and the checkpoint's state"},
    {"cpu", "time.cpu", "init", "KeyboardInterrupt, then SIGKILL and the checkpoint's state"},
    {"session", "time.session", "init", "the end of the sandbox"},
    {"idle", "time.idle", "init", "the end of the sandbox"},
    {"input", "input.max_bytes", "input", "the block is refused before it runs"},
    {"stdout", "output.stdout.max_bytes", "output", "head and tail, the middle is left out"},
    {"stderr", "output.stderr.max_bytes", "output", "head and tail, the middle is left out"},
    {"output", "output.total.max_bytes", "output", "the block is killed"},
    {"checkpoints", "session.checkpoints", "init", "so many steps to go back"},
};

Result<Explanation> explain_limit(const Policy& policy, const Question& question) {
  std::vector<std::string> names;
  for (const auto& limit : limits) {
    names.emplace_back(limit.name);
    if (question.name != limit.name && question.name != limit.leaf) continue;
    Explanation explanation;
    explanation.verdict = Verdict::limit;
    explanation.layer = limit.layer;
    explanation.value = find_field(limit.leaf)->write(policy).value_or("none");
    explanation.rule = rule_text(policy, std::string(limit.leaf));
    explanation.sees = fmt::format("beyond it: {}", limit.sees);
    explanation.fix = fmt::format("{}: another value", limit.leaf);
    return explanation;
  }
  return Error(Errc::bad_input, fmt::format("there is no limit '{}' (one of {})", question.name,
                                            fmt::join(names, ", ")));
}

}  // namespace

Result<Explanation> explain(const Policy& policy, const CompiledPolicy& compiled,
                            const Question& question) {
  auto explanation = [&]() -> Result<Explanation> {
    switch (question.kind) {
      case Question::Kind::syscall:
        return explain_syscall(policy, compiled, question);
      case Question::Kind::open:
        return explain_open(policy, compiled, question);
      case Question::Kind::connect:
        return explain_connect(policy, compiled, question);
      case Question::Kind::import:
        return explain_module(policy, question);
      case Question::Kind::limit:
        return explain_limit(policy, question);
    }
    return Error(Errc::bad_input, "no question");
  }();
  if (explanation) explanation->question = question.text;
  return explanation;
}

}  // namespace caisson
