#include "sandbox/policy/verdict.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "sandbox/policy/groups.h"
#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

std::vector<std::uint8_t> bytes(const std::vector<sock_filter>& code) {
  std::vector<std::uint8_t> all(code.size() * sizeof(sock_filter));
  std::memcpy(all.data(), code.data(), all.size());
  return all;
}

constexpr sock_filter give_back(std::uint32_t value) {
  return BPF_STMT(BPF_RET | BPF_K, value);
}

TEST(Verdict, TellsEachActionFromTheOthers) {
  using Kind = Verdict::Kind;
  const std::pair<std::uint32_t, Verdict> table[] = {
      {SECCOMP_RET_ALLOW, {Kind::allow}},
      {SECCOMP_RET_ERRNO | 38, {Kind::error, 38}},
      {SECCOMP_RET_USER_NOTIF, {Kind::notify}},
      {SECCOMP_RET_KILL_PROCESS, {Kind::kill_process}},
      {SECCOMP_RET_KILL_THREAD, {Kind::kill_thread}},
      {SECCOMP_RET_TRAP, {Kind::trap}},
      {SECCOMP_RET_TRACE, {Kind::trace}},
      {SECCOMP_RET_LOG, {Kind::log}},
      {0x12340000, {Kind::kill_process}},
  };
  for (const auto& [value, verdict] : table) {
    EXPECT_EQ(*evaluate(bytes({give_back(value)}), {}), verdict) << to_text(verdict);
  }
}

TEST(Verdict, SeesNumberArchitectureAndBothHalvesOfArguments) {
  SyscallInput call;
  call.number = 7;
  call.arch = arch_i386;
  call.args[5] = 0x1122334455667788;
  const auto loaded_word = [&](std::size_t offset) {
    return evaluate(bytes({BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)),
                           BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffff),
                           BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
                           BPF_STMT(BPF_RET | BPF_A, 0)}),
                    call)
        ->error;
  };
  EXPECT_EQ(loaded_word(offsetof(seccomp_data, nr)), 7);
  EXPECT_EQ(loaded_word(offsetof(seccomp_data, arch)), arch_i386 & 0xffff);
  EXPECT_EQ(loaded_word(offsetof(seccomp_data, args[5])), 0x7788);
  EXPECT_EQ(loaded_word(offsetof(seccomp_data, args[5]) + 4), 0x3344);
}

TEST(Verdict, RefusesWhatIsNoFilter) {
  EXPECT_FALSE(evaluate({}, {}));
  EXPECT_FALSE(evaluate(std::vector<std::uint8_t>(7), {}));
  EXPECT_FALSE(evaluate(bytes({BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), give_back(0)}), {}));
  EXPECT_FALSE(evaluate(bytes({BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), give_back(0)}), {}));
  EXPECT_FALSE(evaluate(bytes({BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), give_back(0)}), {}));
  EXPECT_FALSE(evaluate(bytes({BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), give_back(0)}), {}));
  EXPECT_FALSE(evaluate(bytes({BPF_STMT(BPF_ST, 16), give_back(0)}), {}));
  EXPECT_FALSE(evaluate(bytes({BPF_STMT(BPF_LD | BPF_IMM, 1)}), {}));
}

TEST(Verdict, NoBytesMakeItRunAway) {
  std::uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::uint8_t> noise(8 * 16);
    for (auto& byte : noise) {
      state = state * 1664525 + 1013904223;
      byte = static_cast<std::uint8_t>(state >> 24);
    }
    evaluate(noise, {});
  }
}

std::string verdict_of(const CompiledPolicy& policy, const SyscallInput& call) {
  return to_text(*evaluate(policy.inner_filter, call));
}

// The rows of the probe corpus that are about system calls.
TEST(CompiledPolicy, SaysWhatTheProbesExpect) {
  const auto strict = compiled(loaded("strict"));
  const auto standard = compiled(loaded("standard"));
  const auto rows = read_verdict_cases("verdicts.txt");
  EXPECT_GT(rows.size(), 150U);
  for (const auto& row : rows) {
    EXPECT_EQ(verdict_of(strict, row.call), row.strict) << row.id << " strict " << row.name;
    EXPECT_EQ(verdict_of(standard, row.call), row.standard) << row.id << " standard " << row.name;
  }
}

}  // namespace
}  // namespace caisson
