#include "sandbox/egress/rate.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(Rate, AMinutesWorthAtOnceAndThenAsManyAsTheMinuteHas) {
  using namespace std::chrono_literals;
  RateLimit rate(60);
  const auto start = Clock::now();
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(rate.take(start)) << i;
  EXPECT_FALSE(rate.take(start));
  EXPECT_FALSE(rate.take(start + 500ms));
  EXPECT_TRUE(rate.take(start + 1100ms));
  EXPECT_FALSE(rate.take(start + 1200ms));
  int taken = 0;
  while (rate.take(start + 1h)) ++taken;
  EXPECT_EQ(taken, 60);
}

}  // namespace
}  // namespace caisson
