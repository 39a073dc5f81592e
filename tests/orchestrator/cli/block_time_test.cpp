#include "orchestrator/cli/block_time.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using namespace std::chrono_literals;

Policy one_minute() {
  Policy policy;
  policy.time.block = 1min;
  policy.origins["time.block"] = {"mine.yaml", 7, 3};
  return policy;
}

TEST(BlockTime, ACommandMayTightenThePolicy) {
  EXPECT_EQ(*parse_block_time("2s", one_minute()), 2s);
  EXPECT_EQ(*parse_block_time("60s", one_minute()), 1min);
  EXPECT_EQ(*parse_block_time("", one_minute()), 0ms);
}

TEST(BlockTime, MoreThanThePolicyGrantsIsRefusedWithItsLine) {
  const auto time = parse_block_time("5m", one_minute());
  ASSERT_FALSE(time);
  EXPECT_EQ(time.error().code, Errc::bad_input);
  for (const char* word : {"--timeout", "5m", "time.block: 1m", "mine.yaml:7"}) {
    EXPECT_NE(time.error().message.find(word), std::string::npos) << word;
  }
}

TEST(BlockTime, WhatIsNoTimeNamesTheFlag) {
  const auto time = parse_block_time("soon", one_minute());
  ASSERT_FALSE(time);
  EXPECT_NE(time.error().message.find("--timeout: 'soon'"), std::string::npos);
}

}  // namespace
}  // namespace caisson
