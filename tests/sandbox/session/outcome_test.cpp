#include "sandbox/session/outcome.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(Outcome, JsonHasEveryFieldThatTheCommandLinePromises) {
  const auto line = to_json(Outcome{});
  for (const char* key : {"status", "state", "stdout", "stderr", "value", "error", "usage",
                          "denials", "guarantees", "displays"}) {
    EXPECT_TRUE(line.contains(key)) << key;
  }
  for (const char* key : {"wall_ms", "cpu_ms", "peak_memory_bytes"}) {
    EXPECT_TRUE(line["usage"].contains(key)) << key;
  }
  EXPECT_TRUE(line["value"].is_null());
  EXPECT_TRUE(line["error"].is_null());
}

TEST(Outcome, ATruncatedStreamSaysHowMuchIsMissingAndWhere) {
  const Stream stream{"head", "tail", 108};
  EXPECT_TRUE(stream.truncated());
  EXPECT_EQ(stream.text(), "head\n[… 100 of 108 bytes not kept …]\ntail");
  const Stream whole{"ab", "", 2};
  EXPECT_EQ(whole.text(), "ab");
}

TEST(Outcome, SignalAndExitStatusStandOnlyWhereTheyMeanSomething) {
  Outcome outcome;
  outcome.status = Status::signal;
  outcome.signal = 11;
  EXPECT_EQ(to_json(outcome)["signal"], 11);
  EXPECT_FALSE(to_json(outcome).contains("exit_code"));
}

}  // namespace
}  // namespace caisson
