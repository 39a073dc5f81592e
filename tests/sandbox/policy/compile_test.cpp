#include "sandbox/policy/compile.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "sandbox/policy/groups.h"
#include "sandbox/policy/plan.h"
#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

constexpr std::uint64_t MiB = 1 << 20;

std::string verdict(const CompiledPolicy& policy, int number,
                    std::array<std::uint64_t, 6> args = {}) {
  return to_text(*evaluate(policy.inner_filter, {static_cast<std::uint32_t>(number), args}));
}

const NotifiedCall* notified(const CompiledPolicy& policy, int number) {
  const auto found = std::find_if(policy.notified.begin(), policy.notified.end(),
                                  [number](const auto& call) { return call.number == number; });
  return found == policy.notified.end() ? nullptr : &*found;
}

std::set<std::string> outer_names(const std::string& profile, const std::string& action) {
  std::set<std::string> names;
  const auto json = nlohmann::json::parse(profile);
  for (const auto& rule : json["syscalls"]) {
    if (rule["action"] != action) continue;
    for (const auto& name : rule["names"]) names.insert(name.get<std::string>());
  }
  return names;
}

TEST(Compile, TheSamePolicyGivesTheSameBytes) {
  for (const auto* name : {"strict", "standard", "data-science", "networked", "batch"}) {
    EXPECT_EQ(compiled(loaded(name)), compiled(loaded(name))) << name;
  }
}

TEST(Compile, WhatTheFilterHandsOverIsListedAndNothingElse) {
  for (const auto* name : {"strict", "standard", "data-science", "networked", "batch"}) {
    const auto policy = compiled(loaded(name));
    for (const int number : known_syscall_numbers()) {
      // A value that no argument rule knows.
      constexpr auto odd = 0xdeadbeefdeadbeef;
      const bool handed_over =
          verdict(policy, number, {odd, odd, odd, odd, odd, odd}) == "notify" ||
          verdict(policy, number) == "notify";
      EXPECT_EQ(handed_over, notified(policy, number) != nullptr) << name << syscall_name(number);
    }
  }
}

// K-34: sweeps over all numbers find exactly what the plan says.
TEST(Compile, TheFilterAllowsWhatThePlanAllows) {
  const auto policy = loaded("strict");
  const auto filter = compiled(policy);
  std::set<int> planned;
  for (const auto& call : plan_syscalls(policy)) {
    if (call.action == CallPlan::Action::allow) planned.insert(call.number);
    if (call.action == CallPlan::Action::conditional &&
        std::any_of(call.allowed_when.begin(), call.allowed_when.end(), [](const auto& tests) {
          return std::all_of(tests.begin(), tests.end(),
                             [](const auto& test) { return test.value == 0; });
        })) {
      planned.insert(call.number);
    }
  }
  std::set<int> allowed;
  for (int number = 0; number < 1000; ++number) {
    if (verdict(filter, number) == "allow") allowed.insert(number);
  }
  EXPECT_EQ(allowed, planned);
}

TEST(Compile, TheFirstExecIsLetThroughWhenTheOthersAreNot) {
  const auto strict = compiled(loaded("strict"));
  for (const int number : {SYS_execve, SYS_execveat}) {
    ASSERT_NE(notified(strict, number), nullptr);
    EXPECT_EQ(*notified(strict, number), (NotifiedCall{number, EPERM, Mediation::first_exec}));
  }
  const auto standard = compiled(loaded("standard"));
  EXPECT_EQ(notified(standard, SYS_execve), nullptr);
  EXPECT_EQ(verdict(standard, SYS_execve), "allow");
}

TEST(Compile, SignalsAreMediatedUnderEveryAnswer) {
  for (const auto* answer : {"notify", "error", "kill"}) {
    const auto policy =
        compiled(parsed("version: 1\nsyscalls: {on_deny: " + std::string(answer) + "}\n"));
    for (const int number : {SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
                             SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal}) {
      ASSERT_NE(notified(policy, number), nullptr) << syscall_name(number);
      EXPECT_EQ(notified(policy, number)->mediation, Mediation::signal);
      EXPECT_EQ(verdict(policy, number), "notify");
    }
  }
}

TEST(Compile, DenialsAreAnsweredAsThePolicySays) {
  const auto error = compiled(parsed("version: 1\nsyscalls: {on_deny: error}\n"));
  EXPECT_EQ(verdict(error, SYS_ptrace), "errno 1");
  EXPECT_EQ(verdict(error, SYS_socket, {2}), "errno 1");
  EXPECT_EQ(notified(error, SYS_ptrace), nullptr);
  const auto kill = compiled(parsed("version: 1\nsyscalls: {on_deny: kill}\n"));
  EXPECT_EQ(verdict(kill, SYS_ptrace), "kill");
  EXPECT_EQ(verdict(kill, SYS_chown), "errno 1");  // quiet
  EXPECT_EQ(verdict(kill, SYS_clone3), "errno 38");
  const auto off =
      compiled(parsed("version: 1\nextends: [standard]\nacknowledge: {signals_unmediated: "
                      "why}\nruntime: {notify: off}\n"));
  EXPECT_TRUE(off.notified.empty());
  EXPECT_EQ(verdict(off, SYS_ptrace), "errno 1");
  EXPECT_EQ(verdict(off, SYS_kill), "allow");
}

TEST(Compile, DenyWinsOverAllow) {
  const auto policy = compiled(parsed("version: 1\nsyscalls: {deny: [inotify_init1]}\n"));
  EXPECT_EQ(verdict(policy, SYS_inotify_init1), "notify");
  EXPECT_EQ(verdict(policy, SYS_inotify_add_watch), "allow");
}

TEST(Compile, LoopbackOpensTheInternetFamiliesAndNoOthers) {
  const auto policy = compiled(parsed("version: 1\nnetwork: {mode: loopback}\n"));
  EXPECT_EQ(verdict(policy, SYS_socket, {2, 1}), "allow");
  EXPECT_EQ(verdict(policy, SYS_socket, {10, 1}), "allow");
  EXPECT_EQ(verdict(policy, SYS_socket, {17, 3}), "notify");
  EXPECT_EQ(verdict(policy, SYS_socketpair, {2, 1}), "notify");
  EXPECT_EQ(verdict(policy, SYS_socket, {16, 3}), "errno 1");  // glibc asks in getaddrinfo()
  EXPECT_EQ(policy.landlock.handled_net, 0U);
}

TEST(Compile, ProxyOpensTcpToItsOnePortAndNothingElse) {
  const auto policy = compiled(loaded("networked"));
  EXPECT_EQ(verdict(policy, SYS_socket, {2, 1}), "allow");
  EXPECT_EQ(verdict(policy, SYS_socket, {2, 1 | 02004000, 6}), "allow");
  EXPECT_EQ(verdict(policy, SYS_socket, {1, 1}), "allow");
  EXPECT_EQ(verdict(policy, SYS_socket, {2, 1, 262}), "notify");  // MPTCP
  EXPECT_EQ(verdict(policy, SYS_socket, {2, 2}), "notify");
  EXPECT_EQ(verdict(policy, SYS_socket, {2, 3}), "notify");
  EXPECT_EQ(verdict(policy, SYS_socket, {10, 1}), "errno 1");
  EXPECT_EQ(verdict(policy, SYS_socket, {16, 3}), "errno 1");
  EXPECT_EQ(verdict(policy, SYS_socket, {17, 3}), "notify");
  EXPECT_EQ(policy.landlock.handled_net, 3U);
  EXPECT_EQ(policy.landlock.ports, (std::vector<LandlockPort>{{egress_port, 2}}));
}

// K-33 with process.write_and_execute: false.
TEST(Compile, MemoryIsWritableOrExecutable) {
  const auto policy = compiled(parsed("version: 1\nprocess: {write_and_execute: false}\n"));
  for (const int number : {SYS_mmap, SYS_mprotect}) {
    EXPECT_EQ(verdict(policy, number, {0, 4096, 7}), "notify");
    EXPECT_EQ(verdict(policy, number, {0, 4096, 6}), "notify");
    EXPECT_EQ(verdict(policy, number, {0, 4096, 3}), "allow");
    EXPECT_EQ(verdict(policy, number, {0, 4096, 5}), "allow");
    EXPECT_EQ(notified(policy, number)->error, EACCES);
  }
}

TEST(Compile, TheOuterProfileLetsPassWhatTheInnerOneExplains) {
  for (const auto* name : {"strict", "standard"}) {
    const auto policy = compiled(loaded(name));
    const auto outer = outer_names(policy.seccomp_json, "SCMP_ACT_ALLOW");
    for (const auto& call : policy.notified) {
      EXPECT_TRUE(outer.contains(syscall_name(call.number))) << syscall_name(call.number);
    }
    for (const int number : known_syscall_numbers()) {
      if (verdict(policy, number) == "allow") {
        EXPECT_TRUE(outer.contains(syscall_name(number))) << syscall_name(number);
      }
    }
    for (const auto* call : {"seccomp", "landlock_restrict_self", "prctl", "execve", "ioctl"}) {
      EXPECT_TRUE(outer.contains(call)) << call;
    }
  }
}

TEST(Compile, TheOuterProfileIsTightWhenNothingIsExplained) {
  const auto policy = compiled(parsed("version: 1\nsyscalls: {on_deny: error}\n"));
  const auto outer = outer_names(policy.seccomp_json, "SCMP_ACT_ALLOW");
  for (const auto* call : {"mount", "ptrace", "bpf", "unshare", "keyctl", "perf_event_open"}) {
    EXPECT_FALSE(outer.contains(call)) << call;
  }
}

TEST(Compile, TheOuterProfileHasOneArchitectureAndNoRuleThatSaysTheDefault) {
  const auto policy = compiled(loaded("strict"));
  for (const auto& profile : {policy.seccomp_json, policy.docker_seccomp_json}) {
    const auto json = nlohmann::json::parse(profile);
    EXPECT_EQ(json["architectures"], nlohmann::json({"SCMP_ARCH_X86_64"}));
    EXPECT_EQ(json["defaultAction"], "SCMP_ACT_ERRNO");
    EXPECT_EQ(json["defaultErrnoRet"], EPERM);
    for (const auto& rule : json["syscalls"]) {
      if (rule["action"] == "SCMP_ACT_ERRNO") {
        EXPECT_NE(rule["errnoRet"], EPERM);
      }
    }
    EXPECT_TRUE(outer_names(profile, "SCMP_ACT_ERRNO").contains("clone3"));
    EXPECT_FALSE(outer_names(profile, "SCMP_ACT_ALLOW").contains("io_uring_setup"));
  }
}

TEST(Compile, LandlockHidesProcAndGrantsMounts) {
  const auto landlock = compiled(loaded("strict")).landlock;
  EXPECT_TRUE(landlock.enabled);
  EXPECT_EQ(landlock.handled_fs, 0xffffU);
  EXPECT_EQ(landlock.handled_net, 3U);
  EXPECT_EQ(landlock.scoped, 3U);
  std::map<std::string, std::uint64_t> rules;
  for (const auto& rule : landlock.rules) rules[rule.path] = rule.access;
  constexpr std::uint64_t execute = 1;
  constexpr std::uint64_t write = 2;
  constexpr std::uint64_t read = 4;
  for (const auto* hidden :
       {"/", "/proc", "/proc/self", "/sys", "/dev", "/run", "/root", "/home"}) {
    EXPECT_FALSE(rules.contains(hidden)) << hidden;
  }
  for (const auto& [path, access] : rules) {
    if (path.starts_with("/proc") || path.starts_with("/sys")) EXPECT_EQ(access, read) << path;
    EXPECT_EQ(access & (1U << 6 | 1U << 11), 0U) << "device nodes beneath " << path;
  }
  EXPECT_EQ(rules.at("/workspace") & (read | write | execute), read | write);
  EXPECT_EQ(rules.at("/usr") & (read | write | execute), read | execute);
  EXPECT_EQ(rules.at("/caisson") & (read | write | execute), read);
  EXPECT_TRUE(rules.contains("/dev/null"));
  EXPECT_FALSE(
      compiled(
          parsed("version: 1\nacknowledge: {landlock_optional: why}\nruntime: {landlock: off}\n"))
          .landlock.enabled);
}

TEST(Compile, LimitsKeepTheirNumbers) {
  const auto policy = compiled(loaded("strict"));
  EXPECT_EQ(policy.rlimits.size(), 7U);
  const auto limit = [&](int resource) {
    const auto found = std::find_if(policy.rlimits.begin(), policy.rlimits.end(),
                                    [&](const auto& each) { return each.resource == resource; });
    return found == policy.rlimits.end() ? ~0ULL : found->soft;
  };
  EXPECT_EQ(limit(RLIMIT_CORE), 0U);
  EXPECT_EQ(limit(RLIMIT_NOFILE), 256U);
  EXPECT_EQ(limit(RLIMIT_STACK), 8 * MiB);
  EXPECT_EQ(limit(RLIMIT_MSGQUEUE), 0U);
}

TEST(Compile, TheContainerHasRoomForEachCheckpointAndForFiles) {
  const auto bytes = [](const std::string& checkpoints, const std::string& tmp) {
    return container_memory_bytes(parsed("version: 1\nsession: {checkpoints: " + checkpoints +
                                         "}\nfilesystem: {mounts: {/tmp: {size: " + tmp + "}}}\n"));
  };
  EXPECT_EQ(bytes("1", "64Mi") - bytes("0", "64Mi"), 512 * MiB);
  EXPECT_EQ(bytes("4", "64Mi") - bytes("0", "64Mi"), 4 * 512 * MiB);
  EXPECT_EQ(bytes("1", "128Mi") - bytes("1", "64Mi"), 64 * MiB);
  EXPECT_GE(bytes("0", "1Mi"), (512 + 128 + 1 + 64) * MiB);
}

TEST(Groups, HaveNoNamesThatNobodyKnows) {
  for (const auto& group : syscall_groups()) {
    const auto calls = expand_group(group.name);
    ASSERT_TRUE(calls);
    EXPECT_FALSE(group.text.empty()) << group.name;
    for (const auto& call : *calls) EXPECT_TRUE(known_syscall(call)) << call;
  }
  EXPECT_FALSE(expand_group("@nothing"));
  EXPECT_FALSE(known_syscall("socketcall"));  // of i386
  EXPECT_EQ(syscall_number("read"), SYS_read);
  EXPECT_EQ(syscall_name(SYS_openat), "openat");
  EXPECT_EQ(syscall_name(999), "syscall_999");
}

TEST(Groups, NothingThatPythonNeedsOpensTheSandbox) {
  const auto python = expand_group("@python").value();
  const auto escape = expand_group("@sandbox-escape").value();
  const auto start = expand_group("@start").value();
  for (const auto& call : escape) {
    EXPECT_EQ(std::count(python.begin(), python.end(), call), 0) << call;
  }
  for (const auto& call : start) {
    if (call == "execve") continue;
    EXPECT_EQ(std::count(python.begin(), python.end(), call), 1) << call;
  }
}

}  // namespace
}  // namespace caisson
