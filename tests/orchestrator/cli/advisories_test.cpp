#include "orchestrator/cli/advisories.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

const Advisory three_branches{"runc", "CVE-0", "", {"1.2.8", "1.3.3", "1.4.0-rc.3"}};

TEST(Advisories, VersionsAreComparedByNumbersNotByLetters) {
  EXPECT_LT(compare_versions("1.9.0", "1.10.0"), 0);
  EXPECT_GT(compare_versions("20.10.24", "20.10.9"), 0);
  EXPECT_EQ(compare_versions("v1.7.29", "1.7.29"), 0);
  EXPECT_EQ(compare_versions("1.2", "1.2.0"), 0);
}

TEST(Advisories, ACandidateComesBeforeItsRelease) {
  EXPECT_LT(compare_versions("1.4.0-rc.2", "1.4.0-rc.3"), 0);
  EXPECT_LT(compare_versions("1.4.0-rc.3", "1.4.0"), 0);
  EXPECT_LT(compare_versions("1.4.0~rc10", "1.4.0"), 0);
}

TEST(Advisories, WhatADistributionAddsDoesNotCount) {
  EXPECT_EQ(compare_versions("1.1.5+ds1", "1.1.5"), 0);
  EXPECT_EQ(compare_versions("1.6.20~ds1", "1.6.20"), 0);
  EXPECT_EQ(compare_versions("1:20.10.24+dfsg1", "20.10.24"), 0);
}

TEST(Advisories, EachBranchHasItsOwnRepair) {
  EXPECT_EQ(standing(three_branches, "1.2.8", ""), Standing::fixed);
  EXPECT_EQ(standing(three_branches, "1.2.7", ""), Standing::open);
  EXPECT_EQ(standing(three_branches, "1.3.0", ""), Standing::open);
  EXPECT_EQ(standing(three_branches, "1.4.0-rc.2", ""), Standing::open);
  EXPECT_EQ(standing(three_branches, "1.4.0", ""), Standing::fixed);
  EXPECT_EQ(standing(three_branches, "1.5.0", ""), Standing::fixed);
  EXPECT_EQ(standing(three_branches, "1.1.15", ""), Standing::open);
}

TEST(Advisories, APackageThatItsDistributionRepairsIsNotCalledOpen) {
  EXPECT_EQ(standing(three_branches, "1.1.5+ds1", "1.1.5+ds1-1+deb12u1"), Standing::distribution);
  EXPECT_EQ(standing(three_branches, "1.1.5+ds1", "1.1.5+ds1-1"), Standing::open);
  EXPECT_EQ(standing(three_branches, "1.2.9", "1.2.9-0ubuntu1~22.04.1"), Standing::fixed);
}

TEST(Advisories, BranchesAreInOrder) {
  for (const auto& advisory : advisories()) {
    ASSERT_FALSE(advisory.fixed_in.empty()) << advisory.id;
    for (std::size_t at = 1; at < advisory.fixed_in.size(); ++at) {
      EXPECT_LT(compare_versions(advisory.fixed_in[at - 1], advisory.fixed_in[at]), 0)
          << advisory.id;
    }
  }
}

}  // namespace
}  // namespace caisson
