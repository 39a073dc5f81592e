#include "sandbox/policy/failure.h"

#include <errno.h>
#include <fmt/format.h>

#include <cstring>

#include "sandbox/policy/egress_verdict.h"
#include "sandbox/policy/explain.h"
#include "sandbox/policy/fields.h"

namespace caisson {
namespace {

constexpr std::size_t longest_path = 4096;  // PATH_MAX

// "resources.memory.max: 512Mi (builtin:strict:41)"
std::string rule_with_value(const Policy& policy, const std::string& leaf) {
  const auto text = rule_text(policy, leaf);
  const auto* field = find_field(leaf);
  const auto value = field == nullptr ? std::nullopt : field->write(policy);
  return value ? leaf + ": " + *value + text.substr(leaf.size()) : text;
}

DenialText limit(const Policy& policy, std::string layer, std::string subject, std::string error,
                 const std::string& leaf, std::string hint) {
  return {std::move(layer), std::move(subject),
          std::move(error), rule_with_value(policy, leaf),
          std::move(hint),  leaf + ": a larger value"};
}

bool is_beneath(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

std::optional<DenialText> explain_path(const Policy& policy, const CompiledPolicy& compiled,
                                       const Failure& failure) {
  Question question;
  question.kind = Question::Kind::open;
  question.name = failure.path;
  using Access = Question::Access;
  // The kernel does not say what was wanted. What is refused for less is refused for more.
  for (const auto& [access, verb] :
       {std::pair(Access::read, "reading"), std::pair(Access::write, "writing"),
        std::pair(Access::execute, "starting")}) {
    question.access = access;
    const auto said = explain(policy, compiled, question);
    if (!said || said->verdict != Explanation::Verdict::deny || said->error != "EACCES") continue;
    const char* hint = access == Access::read ? "That path is not for this session: work below its "
                                                "working directory."
                       : access == Access::write
                           ? "Only the working directory and other writable mounts take files."
                           : "That file can't be started in this session.";
    return DenialText{said->layer, fmt::format("{} {}", verb, failure.path),
                      said->error, said->rule,
                      hint,        said->fix};
  }
  return std::nullopt;
}

std::optional<DenialText> explain_read_only(const Policy& policy, const Failure& failure) {
  for (const auto& mount : policy.filesystem.mounts) {
    if (!mount.read_only && is_beneath(failure.path, mount.target)) return std::nullopt;
  }
  return DenialText{"mount",
                    "writing " + failure.path,
                    "EROFS",
                    rule_text(policy, "filesystem.mounts"),
                    "Only the working directory and other writable mounts take files.",
                    "filesystem.mounts: a writable mount there"};
}

std::optional<DenialText> explain_full(const Policy& policy, const Failure& failure) {
  if (failure.path.empty()) {  // a write does not name its file
    return DenialText{"mount",
                      "more files",
                      "ENOSPC",
                      rule_text(policy, "filesystem.mounts"),
                      "That file system is full: remove files there, or write less.",
                      "filesystem.mounts: a larger size, or more inodes"};
  }
  const Mount* holds = nullptr;
  for (const auto& mount : policy.filesystem.mounts) {
    if (mount.type == Mount::Type::tmpfs && is_beneath(failure.path, mount.target) &&
        (holds == nullptr || mount.target.size() > holds->target.size())) {
      holds = &mount;
    }
  }
  if (holds == nullptr) return std::nullopt;
  const auto leaf = "filesystem.mounts." + holds->target;
  return DenialText{"mount",
                    "more files in " + holds->target,
                    "ENOSPC",
                    rule_text(policy, leaf + ".size"),
                    fmt::format("{} is full: remove files there, or write less.", holds->target),
                    leaf + ".size or .inodes: a larger value"};
}

}  // namespace

std::optional<DenialText> explain_failure(const Policy& policy, const CompiledPolicy& compiled,
                                          const Failure& failure) {
  if (failure.path.size() > longest_path) return std::nullopt;
  const bool has_path = failure.path.starts_with("/");
  switch (failure.error) {
    case EACCES:
      return has_path ? explain_path(policy, compiled, failure) : std::nullopt;
    case EROFS:
      return has_path ? explain_read_only(policy, failure) : std::nullopt;
    case ENOSPC:
      return explain_full(policy, failure);
    case EMFILE:
      return limit(policy, "rlimit", "one more open file", "EMFILE", "resources.rlimits.nofile",
                   "Close files and sockets that are not needed any more.");
    case EFBIG:
      return limit(policy, "rlimit", "a longer file", "EFBIG", "resources.rlimits.fsize",
                   "Write less, or several files.");
    case EAGAIN:
      return limit(policy, "cgroup", "one more process or thread", "EAGAIN", "resources.pids.max",
                   "Use fewer processes and threads at a time, and wait for them.");
    case ENOMEM:
      return limit(policy, "rlimit", "more memory", "ENOMEM", "resources.memory.max",
                   "Work on parts of the data, and delete names that are not needed any more.");
    default:
      return std::nullopt;
  }
}

DenialText explain_end(const Policy& policy, BlockLimit which, bool shortened) {
  auto text = [&] {
    switch (which) {
      case BlockLimit::wall:
        return limit(policy, "clock", "more time", "timeout_wall", "time.block",
                     "Do less in one block, or save what is done and go on in the next.");
      case BlockLimit::cpu:
        return limit(policy, "clock", "more processor time", "timeout_cpu", "time.cpu",
                     "Do less in one block, or find a way that computes less.");
      case BlockLimit::memory:
        return limit(policy, "memory", "more memory", "out_of_memory", "resources.memory.max",
                     "Work on parts of the data, and delete names that are not needed any more.");
      case BlockLimit::output:
        break;
    }
    return limit(policy, "output", "more output", "output_limit", "output.total.max_bytes",
                 "Print less, or write it into a file.");
  }();
  if (shortened) {
    text.rule = "a limit of the caller, within " + text.rule;
    text.fix = "the caller's own limit (exec --timeout)";
  }
  return text;
}

}  // namespace caisson
