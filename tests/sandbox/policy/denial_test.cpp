#include "sandbox/policy/denial.h"

#include <gtest/gtest.h>

#include "sandbox/policy/groups.h"
#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

DenialText explained(const Policy& policy, std::string_view name,
                     std::array<std::uint64_t, 6> args = {}) {
  return explain_denial(policy, {syscall_number(name), args, 1});
}

TEST(Denial, NamesTheListThatRefusesTheCallAndItsEntry) {
  const auto policy = parsed("version: 1\nsyscalls:\n  deny: [getrandom, \"@unix-socket\"]\n");
  EXPECT_TRUE(explained(policy, "getrandom").rule.starts_with("syscalls.deny: getrandom ("))
      << explained(policy, "getrandom").rule;
  EXPECT_TRUE(explained(policy, "bind").rule.starts_with("syscalls.deny: @unix-socket ("))
      << explained(policy, "bind").rule;
}

TEST(Denial, ASocketThatIsDeniedByNameIsNotBlamedOnTheNetworkMode) {
  const auto policy = parsed("version: 1\nsyscalls:\n  deny: [socket]\n");
  EXPECT_TRUE(explained(policy, "socket", {1, 1}).rule.starts_with("syscalls.deny: socket ("));
  EXPECT_TRUE(
      explained(loaded("strict"), "socket", {2, 1}).rule.starts_with("network.mode: none ("));
}

TEST(Denial, WhatNoListNamesIsMissingInTheListOfAllowedCalls) {
  EXPECT_TRUE(explained(loaded("strict"), "ptrace").rule.starts_with("syscalls.allow ("));
}

}  // namespace
}  // namespace caisson
