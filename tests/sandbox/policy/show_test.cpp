#include "sandbox/policy/show.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sandbox/policy/fields.h"
#include "sandbox/policy/parse.h"
#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Show, WhatIsShownReadsBackAsTheSamePolicy) {
  const auto odd = parsed(
      "version: 1\nextends: [standard]\ndescription: \"a: 'b' # c\"\n"
      "env: {EMPTY: '', NOTHING: 'null', ODD: \"x\\ty\", 'TRUE': 'true'}\n"
      "filesystem: {mounts: {/srv.v1: {type: bind, source: /srv/a b, read_only: true}}}\n"
      "python: {deny: {os.path: 'use \"pathlib\"', re: ''}}\n");
  for (const auto& policy : {loaded("strict"), loaded("standard"), loaded("batch"), odd}) {
    const auto text = show(policy, compiled(policy));
    auto again = parse_policy(text, "shown.yaml");
    ASSERT_TRUE(again) << again.error().message << "\n" << text;
    again->origins = policy.origins;
    EXPECT_EQ(*again, policy) << text;
  }
}

TEST(Show, EachLeafHasItsOriginBehindIt) {
  const auto policy =
      parsed("version: 1\ntime:\n  block: 7s\nsyscalls: {deny+: [inotify_init1]}\n");
  const auto text = show(policy, compiled(policy));
  EXPECT_TRUE(has_line(text, "  block: 7s                                   # mine.yaml:3"))
      << text;
  EXPECT_TRUE(has_line(text, "    - inotify_init1                           # mine.yaml:4"))
      << text;
  EXPECT_NE(text.find("  mode: none                                  # builtin:strict:"),
            text.npos);
  EXPECT_NE(text.find("#   container memory   1322Mi"), text.npos) << text;
}

TEST(Show, EveryFieldOfThePolicyIsShown) {
  const auto policy = loaded("strict");
  const auto json = show_json(policy, compiled(policy));
  for (const auto& field : policy_fields()) {
    auto pointer = "/policy/" + field.path;
    for (auto& letter : pointer) {
      if (letter == '.') letter = '/';
    }
    EXPECT_TRUE(json.contains(nlohmann::json::json_pointer(pointer))) << field.path;
  }
}

TEST(Show, WhatIsShownOfEgressReadsAsTheSame) {
  auto policy = parsed(
      "version: 1\n"
      "extends: [networked]\n"
      "acknowledge: {wildcard_host: why, secret_in_clear: why, private_network: why}\n"
      "network:\n"
      "  egress:\n"
      "    allow:\n"
      "      packages.example.org: {ports: [443, 8443], methods: [GET], paths: [\"/simple/**\"]}\n"
      "      \"*.files.example.org\": {}\n"
      "    credentials: {packages.example.org: {header: X-Key, secret: env:KEY}}\n"
      "    exempt: [10.1.0.0/16]\n");
  const auto text = show(policy, compiled(policy));
  EXPECT_NE(text.find("      packages.example.org:"), text.npos) << text;
  EXPECT_NE(text.find("          - 8443 "), text.npos) << text;
  EXPECT_NE(text.find("\"*.files.example.org\": {}"), text.npos) << text;
  auto again = parsed(text);
  again.origins = policy.origins;
  again.name = policy.name;
  EXPECT_EQ(again, policy);
}

TEST(Show, JsonHasValuesOfTheirTypesAndOrigins) {
  const auto policy = loaded("standard");
  const auto json = show_json(policy, compiled(policy));
  const auto& tree = json["policy"];
  EXPECT_EQ(tree["resources"]["pids"]["max"]["value"], 256);
  EXPECT_EQ(tree["resources"]["memory"]["max"]["value"], "1Gi");
  EXPECT_EQ(tree["process"]["write_and_execute"]["value"], true);
  EXPECT_EQ(tree["env"]["OMP_NUM_THREADS"]["value"], "1");
  EXPECT_EQ(tree["syscalls"]["allow"][0]["value"], "@python");
  EXPECT_EQ(tree["filesystem"]["mounts"]["/tmp"]["size"]["value"], "256Mi");
  EXPECT_TRUE(
      tree["process"]["exec"]["origin"].get<std::string>().starts_with("builtin:standard:"));
  EXPECT_EQ(json["derived"]["container_memory_bytes"], compiled(policy).container_memory_bytes);
}

}  // namespace
}  // namespace caisson
