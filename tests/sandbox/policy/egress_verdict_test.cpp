#include "sandbox/policy/egress_verdict.h"

#include <gtest/gtest.h>

#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

Policy rules() {
  return parsed(
      "version: 1\n"
      "extends: [networked]\n"
      "network:\n"
      "  egress:\n"
      "    allow:\n"
      "      api.example.org: {}\n"
      "      plain.example.org: {ports: [80, 8080]}\n"
      "      packages.example.org: {methods: [GET, HEAD], paths: [\"/simple/**\"]}\n"
      "      \"*.example.org\": {ports: [8443]}\n");
}

TEST(Egress, AnAllowedHostHasItsRuleAndLine) {
  const auto verdict = judge(rules(), "API.example.org", 443, "CONNECT");
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(verdict.origin.line, 6);
  EXPECT_TRUE(verdict.rule.starts_with("network.egress.allow.api.example.org (")) << verdict.rule;
  EXPECT_FALSE(verdict.dial_tls);
}

TEST(Egress, RefusalsSayWhich) {
  const auto policy = rules();
  EXPECT_EQ(judge(policy, "evil.net", 443).id, "denied_host");
  EXPECT_EQ(judge(policy, "a.b.example.org", 8443).id, "denied_host");
  EXPECT_EQ(judge(policy, std::string_view("evil.net\0.example.org", 21), 443).id, "bad_host");
  EXPECT_EQ(judge(policy, "evil.net%00.example.org", 443).id, "bad_host");
  EXPECT_EQ(judge(policy, "127.1", 443).id, "bad_host");
  EXPECT_EQ(judge(policy, "api.example.org", 22, "CONNECT").id, "denied_port");
  EXPECT_EQ(judge(policy, "packages.example.org", 443, "CONNECT").id, "denied_tunnel");
  EXPECT_EQ(judge(policy, "packages.example.org", 80, "PUT", "/simple/x").id, "denied_method");
  EXPECT_EQ(judge(policy, "packages.example.org", 80, "GET", "/x").id, "denied_path");
  EXPECT_EQ(judge(policy, "packages.example.org", 80, "GET", "/simple/../x").id, "ambiguous_path");
  EXPECT_EQ(judge(loaded("strict"), "api.example.org", 443).id, "no_network");
}

TEST(Egress, RulesForOneHostAddUp) {
  EXPECT_TRUE(judge(rules(), "api.example.org", 8443, "CONNECT").allowed);
  EXPECT_TRUE(judge(rules(), "other.example.org", 8443, "CONNECT").allowed);
}

TEST(Egress, APlainRequestForAHostWithPort443IsSentOnEncrypted) {
  const auto verdict = judge(rules(), "packages.example.org", 80, "GET", "/simple/x?y");
  EXPECT_TRUE(verdict.allowed);
  EXPECT_TRUE(verdict.dial_tls);
  EXPECT_EQ(verdict.dial_port, 443);
  const auto plain = judge(rules(), "plain.example.org", 80, "GET", "/");
  EXPECT_TRUE(plain.allowed);
  EXPECT_FALSE(plain.dial_tls);
  EXPECT_EQ(judge(rules(), "plain.example.org", 443, "GET", "/").id, "denied_port");
}

}  // namespace
}  // namespace caisson
