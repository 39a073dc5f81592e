#include "sandbox/policy/denial.h"

#include <gtest/gtest.h>

#include "sandbox/policy/groups.h"
#include "sandbox/policy/parse.h"
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

TEST(Denial, OfAModuleNamesTheLineOfItsParent) {
  const auto policy =
      parse_policy("version: 1\nextends: [strict]\npython:\n  deny:\n    xml.dom: use json\n",
                   "mine.yaml")
          .value();
  const auto text = explain_import(policy, "xml.dom.minidom");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->subject, "import xml.dom.minidom");
  EXPECT_EQ(text->rule, "python.deny.xml.dom (mine.yaml:5)");
  EXPECT_EQ(text->hint, "use json");
  EXPECT_FALSE(explain_import(policy, "xml"));
  EXPECT_FALSE(explain_import(policy, "xml.domino"));
}

TEST(Denial, OfAnEventTakesItsGroup) {
  const auto policy =
      parse_policy("version: 1\npython: {events: {\"socket.*\": no, os.system: never}}\n",
                   "mine.yaml")
          .value();
  EXPECT_EQ(explain_event(policy, "socket.connect")->hint, "no");
  EXPECT_EQ(explain_event(policy, "os.system")->hint, "never");
  EXPECT_FALSE(explain_event(policy, "os.listdir"));
}

TEST(Denial, WhatAGuestClaimsIsANameOrNothing) {
  const auto policy =
      parse_policy("version: 1\npython: {deny: {requests: no}, events: {\"socket.*\": no}}\n",
                   "mine.yaml")
          .value();
  EXPECT_TRUE(explain_import(policy, "requests.adapters"));
  EXPECT_FALSE(explain_import(policy, "requests.x\nstatus: ok"));
  EXPECT_FALSE(explain_import(policy, "requests." + std::string(1 << 20, '.')));
  EXPECT_FALSE(explain_event(policy, "socket.x\ndenied: nothing"));
  const auto few = parse_policy("version: 1\ntools: {allow: []}\n", "mine.yaml").value();
  EXPECT_EQ(explain_tool(few, "x\nstatus: ok", 1)->subject, "tool of that name");
}

TEST(Denial, OfAToolSaysWhichListOrHowManyCalls) {
  const auto policy =
      parse_policy("version: 1\ntools: {allow: [search, fetch], deny: [fetch], max_calls: 2}\n",
                   "mine.yaml")
          .value();
  EXPECT_FALSE(explain_tool(policy, "search", 2));
  EXPECT_EQ(explain_tool(policy, "fetch", 1)->rule, "tools.deny (mine.yaml:2)");
  EXPECT_EQ(explain_tool(policy, "other", 1)->rule, "tools.allow (mine.yaml:2)");
  EXPECT_EQ(explain_tool(policy, "search", 3)->rule, "tools.max_calls: 2 (mine.yaml:2)");
  EXPECT_FALSE(explain_tool(parse_policy("version: 1\n", "mine.yaml").value(), "any", 256));
}

TEST(Denial, GuidanceThatIsOffDeniesNothing) {
  const auto policy = parse_policy("version: 1\npython: {guidance: off}\n", "mine.yaml").value();
  EXPECT_FALSE(explain_import(policy, "requests"));
  EXPECT_FALSE(explain_event(policy, "socket.connect"));
}

}  // namespace
}  // namespace caisson
