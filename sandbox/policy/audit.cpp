#include "sandbox/policy/audit.h"

#include <linux/landlock.h>

#include <algorithm>

#include "sandbox/policy/check.h"
#include "sandbox/policy/groups.h"
#include "sandbox/policy/plan.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

// What lies in the root of an image, without /proc, /sys, /dev, /run.
constexpr const char* image_directories[] = {"/bin",   "/boot",  "/etc",   "/home", "/lib",
                                             "/lib32", "/lib64", "/media", "/mnt",  "/opt",
                                             "/root",  "/sbin",  "/srv",   "/usr",  "/var"};

bool is_one_of(const std::string& call, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), call) != names.end();
}

}  // namespace

Learnable learnable(const Policy& parent, const std::string& call) {
  using How = Learnable::How;
  if (is_one_of(call, {"execve", "execveat"})) return {How::exec, ""};
  if (is_one_of(call, {"mmap", "mprotect", "pkey_mprotect"})) return {How::write_and_execute, ""};
  if (is_one_of(call, {"socket", "socketpair", "connect"})) {
    return {How::never, "the network is a decision: network.mode"};
  }
  Policy tried = parent;
  tried.syscalls.allow.push_back(call);
  for (const auto& finding : check(tried)) {
    if (finding.severity == Severity::error) return {How::never, finding.text};
  }
  for (const auto& plan : plan_syscalls(tried)) {
    if (plan.name != call) continue;
    if (plan.action == CallPlan::Action::allow) return {How::syscall, ""};
    if (plan.action == CallPlan::Action::conditional) {
      return {How::never, "it is allowed for harmless arguments already"};
    }
  }
  return {How::never, "syscalls.deny names it, and wins"};
}

Result<AuditPolicy> make_audit_policy(const Policy& parent) {
  AuditPolicy audit{parent, {}};
  auto& policy = audit.policy;
  policy.runtime.notify = Need::required;
  policy.syscalls.on_deny = Answer::notify;
  policy.syscalls.quiet.clear();  // else nobody would see them
  policy.session.checkpoints = 0;
  policy.python.guidance = Guidance::record;
  policy.resources.memory_max_bytes *= 4;
  policy.time.block = std::max<Millis>(policy.time.block, 1h);
  policy.time.cpu = std::max<Millis>(policy.time.cpu, 1h);
  policy.time.idle = std::max<Millis>(policy.time.idle, 2h);
  policy.time.session = std::max<Millis>(policy.time.session, 2h);
  auto compiled = compile(policy);
  if (!compiled) return compiled.error();
  for (auto& call : compiled->notified) {
    if (call.mediation == Mediation::signal) continue;
    if (learnable(parent, syscall_name(call.number)).how != Learnable::How::never) {
      call.mediation = Mediation::audit;
    }
  }
  for (const auto* directory : image_directories) {
    compiled->landlock.rules.push_back({directory, LANDLOCK_ACCESS_FS_READ_FILE |
                                                       LANDLOCK_ACCESS_FS_READ_DIR |
                                                       LANDLOCK_ACCESS_FS_EXECUTE});
  }
  compiled->audit = true;
  audit.compiled = std::move(*compiled);
  return audit;
}

}  // namespace caisson
