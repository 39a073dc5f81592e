#include "orchestrator/llm/retry.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using namespace std::chrono_literals;

RetryAdvice advice(std::string_view after, std::string_view after_ms = "",
                   std::string_view should_retry = "") {
  const auto now = std::chrono::system_clock::from_time_t(784111747);  // 30 s before the dates
  RetryHeaders headers;
  headers.after = after;
  headers.after_ms = after_ms;
  headers.should_retry = should_retry;
  return read_advice(headers, now);
}

TEST(Retry, RetryAfterIsReadInAllItsForms) {
  EXPECT_EQ(advice("3").after, 3s);
  EXPECT_EQ(advice("1.5").after, 1500ms);
  EXPECT_EQ(advice("9", "250.9").after, 250ms);
  EXPECT_EQ(advice("Sun, 06 Nov 1994 08:49:37 GMT").after, 30s);
  EXPECT_EQ(advice("Sunday, 06-Nov-94 08:49:37 GMT").after, 30s);
  EXPECT_EQ(advice("Sun Nov  6 08:49:37 1994").after, 30s);
}

TEST(Retry, ARetryAfterThatMakesNoSenseIsNotThere) {
  for (const char* text : {"", "soon", "-3", "nan", "inf", "3 s", "1e", "Sun, 06"}) {
    EXPECT_EQ(advice(text).after, std::nullopt) << text;
  }
  EXPECT_TRUE(advice("1e300").after.has_value());
}

TEST(Retry, TheServersWordGoesFirst) {
  EXPECT_EQ(retry_delay(0, Failure::may_pass, advice("3"), 0), 3s);
  EXPECT_EQ(retry_delay(0, Failure::may_pass, advice("121"), 0), std::nullopt);
  EXPECT_EQ(retry_delay(0, Failure::may_pass, advice("3", "", "false"), 0), std::nullopt);
  EXPECT_EQ(retry_delay(0, Failure::will_stay, advice("3", "", "true"), 0), 3s);
  EXPECT_EQ(retry_delay(0, Failure::may_pass, advice("0"), 0), 500ms);
}

TEST(Retry, WaitsGrowAndAreShortenedByChance) {
  EXPECT_EQ(retry_delay(0, Failure::may_pass, {}, 0), 500ms);
  EXPECT_EQ(retry_delay(1, Failure::may_pass, {}, 0), 1000ms);
  EXPECT_EQ(retry_delay(1, Failure::may_pass, {}, 1), 750ms);
  EXPECT_EQ(retry_delay(2, Failure::may_pass, {}, 0), std::nullopt);
  EXPECT_EQ(retry_delay(0, Failure::will_stay, {}, 0), std::nullopt);
}

TEST(Retry, OnlySomeStatusesMayPass) {
  for (const unsigned status : {408U, 409U, 429U, 500U, 503U, 529U}) {
    EXPECT_EQ(failure_of_status(status), Failure::may_pass) << status;
  }
  for (const unsigned status : {400U, 401U, 404U, 422U}) {
    EXPECT_EQ(failure_of_status(status), Failure::will_stay) << status;
  }
}

}  // namespace
}  // namespace caisson
