#include "sandbox/policy/learn.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>

#include "sandbox/policy/audit.h"
#include "sandbox/policy/groups.h"
#include "sandbox/policy/parse.h"
#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

using How = Learnable::How;

struct LearnTest : testing::Test {
  Policy strict = loaded("strict");
  CompiledPolicy compiled = compile(strict).value();
  Observed observed;

  std::string learnt() { return learn(strict, compiled, "strict", "", observed).yaml; }
  // What it learns must be a policy that can be used.
  Policy usable() {
    const auto text = learnt();
    auto policy = parse_policy(text, "learnt.yaml");
    EXPECT_TRUE(policy) << text;
    EXPECT_TRUE(compile(policy.value())) << text;
    return policy.value();
  }
  static Wanted once() { return {1, "block 1"}; }
};

TEST_F(LearnTest, NothingIsNeededWhenNothingWasWanted) {
  EXPECT_FALSE(learn(strict, compiled, "strict", "", observed).needs);
  EXPECT_EQ(usable().syscalls, strict.syscalls);
}

TEST_F(LearnTest, ACallThatCanBeAllowedIsAdded) {
  observed.calls["mincore"] = {3, "block 2"};
  EXPECT_NE(learnt().find("- mincore"), std::string::npos);
  EXPECT_NE(learnt().find("# 3 times, first in block 2"), std::string::npos) << learnt();
  const auto calls = usable().syscalls.allow;
  EXPECT_NE(std::find(calls.begin(), calls.end(), "mincore"), calls.end());
}

TEST_F(LearnTest, WhatNobodyCanAllowIsListedAndNotLearnt) {
  const auto escape = expand_group("@sandbox-escape").value();
  for (const auto& call : escape) {
    EXPECT_EQ(learnable(strict, call).how, How::never) << call;
    observed.calls[call] = once();
  }
  observed.calls["socket"] = once();
  EXPECT_NE(learnt().find("# not learnt: ptrace(), once, first in block 1: "), std::string::npos);
  EXPECT_NE(learnt().find("# not learnt: socket(), "), std::string::npos);
  EXPECT_EQ(usable().syscalls, strict.syscalls);
}

TEST_F(LearnTest, WhatTheParentDeniesByNameStaysDenied) {
  strict.syscalls.deny = {"mincore"};
  observed.calls["mincore"] = once();
  EXPECT_NE(learnt().find("# not learnt: mincore(), once, first in block 1: syscalls.deny"),
            std::string::npos)
      << learnt();
  EXPECT_EQ(usable().syscalls.allow, loaded("strict").syscalls.allow);
}

TEST_F(LearnTest, WhatTheParentRefusesQuietlyIsSeenAndLeftToTheReader) {
  observed.calls["chown"] = once();
  EXPECT_NE(learnt().find("# - chown"), std::string::npos) << learnt();
  EXPECT_EQ(usable().syscalls, strict.syscalls);
  const auto audit = make_audit_policy(strict).value();
  EXPECT_TRUE(std::any_of(audit.compiled.notified.begin(), audit.compiled.notified.end(),
                          [](const auto& call) {
                            return call.number == SYS_chown && call.mediation == Mediation::audit;
                          }));
}

TEST_F(LearnTest, ProgramsAndExecutableMemoryAreKeysOfTheirOwn) {
  observed.calls["execve"] = once();
  observed.calls["execveat"] = once();
  EXPECT_EQ(usable().process.exec, Exec::allow);
  EXPECT_EQ(usable().syscalls, strict.syscalls);
}

TEST_F(LearnTest, PathsThatTheParentGrantsNeedNothing) {
  observed.reads = {{"/usr/lib/x.so", once()}, {"/workspace/a", once()}, {"/srv/data/a b", once()}};
  observed.writes = {{"/workspace/out", once()}, {"/srv/data/out", once()}};
  EXPECT_EQ(usable().filesystem.read.back(), "/srv/data/a b");
  EXPECT_EQ(usable().filesystem.read.size(), strict.filesystem.read.size() + 1);
  EXPECT_NE(learnt().find("# not learnt: writing /srv/data/out, once"), std::string::npos)
      << learnt();
}

TEST_F(LearnTest, ManyFilesOfADirectoryAreOneRule) {
  for (int i = 0; i < 20; ++i) observed.reads["/srv/data/" + std::to_string(i)] = once();
  EXPECT_EQ(usable().filesystem.read.back(), "/srv/data");
}

TEST_F(LearnTest, TheHostStaysHidden) {
  observed.reads["/proc/1/environ"] = once();
  observed.reads["/sys/kernel/x"] = once();
  EXPECT_EQ(usable().filesystem, strict.filesystem);
  EXPECT_NE(learnt().find("# not learnt: reading /proc/1/environ"), std::string::npos) << learnt();
}

TEST_F(LearnTest, LimitsGetRoomWhenTheyWereNear) {
  observed.memory_bytes = 700 << 20;
  observed.wall = std::chrono::seconds(20);
  observed.limits["resources.rlimits.nofile"] = once();
  observed.limits["resources.pids.max"] = once();
  const auto policy = usable();
  EXPECT_EQ(policy.resources.memory_max_bytes, std::uint64_t{1152} << 20);
  EXPECT_EQ(policy.time.block, std::chrono::seconds(30));
  EXPECT_EQ(policy.time.cpu, strict.time.cpu);
  EXPECT_EQ(policy.resources.rlimits.at("nofile"), 512U);
  EXPECT_EQ(policy.resources.pids_max, 128U);
}

TEST_F(LearnTest, AdviceOfPythonIsTakenOut) {
  observed.modules["subprocess"] = once();
  EXPECT_FALSE(usable().python.deny.contains("subprocess"));
  EXPECT_TRUE(usable().python.deny.contains("requests"));
}

TEST_F(LearnTest, WhatIsWatchedIsLetThroughAndTheRestIsNot) {
  const auto audit = make_audit_policy(strict).value();
  EXPECT_TRUE(audit.compiled.audit);
  const auto mediation = [&audit](int number) {
    const auto& calls = audit.compiled.notified;
    return std::find_if(calls.begin(), calls.end(),
                        [number](const auto& call) { return call.number == number; })
        ->mediation;
  };
  EXPECT_EQ(mediation(SYS_mincore), Mediation::audit);
  EXPECT_EQ(mediation(SYS_execve), Mediation::audit);
  EXPECT_EQ(mediation(SYS_ptrace), Mediation::refuse);
  EXPECT_EQ(mediation(SYS_socket), Mediation::refuse);
  EXPECT_EQ(mediation(SYS_kill), Mediation::signal);
  EXPECT_FALSE(compile(strict).value().audit);
}

}  // namespace
}  // namespace caisson
