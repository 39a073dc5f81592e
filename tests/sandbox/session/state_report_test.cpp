#include "sandbox/session/state_report.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using nlohmann::json;

TEST(StateReport, EachListIsRead) {
  const auto report = parse_state_report(json::parse(R"({
      "path": "s", "bytes": 120, "saved": ["x", "y"], "notes": ["n"], "more": 3,
      "failed": [{"name": "g", "reason": "cannot pickle 'generator' object"}]})"),
                                         "saved");
  ASSERT_TRUE(report);
  const StateReport expected{"s", 120,   {"x", "y"}, {{"g", "cannot pickle 'generator' object"}},
                             {},  {"n"}, 3};
  EXPECT_EQ(*report, expected);
}

TEST(StateReport, WhatIsOfAnotherTypeIsLeftOut) {
  const auto report = parse_state_report(
      json::parse(
          R"({"path": 1, "restored": ["x", 2], "failed": [3, {}], "skipped": "z", "bytes": -1})"),
      "restored");
  ASSERT_TRUE(report);
  const StateReport expected{"", 0, {"x"}, {{"", ""}}, {}, {}, 0};
  EXPECT_EQ(*report, expected);
}

TEST(StateReport, WithoutItsListItIsNone) {
  EXPECT_EQ(parse_state_report(json{{"saved", json::array()}}, "restored").error().code,
            Errc::protocol);
  EXPECT_FALSE(parse_state_report(nullptr, "saved"));
  EXPECT_FALSE(parse_state_report(json{{"saved", 1}}, "saved"));
}

}  // namespace
}  // namespace caisson
