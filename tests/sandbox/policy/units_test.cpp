#include "sandbox/policy/units.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using std::chrono::milliseconds;

TEST(Units, SizesAreExactAndHaveBinaryUnits) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("1000"), 1000U);
  EXPECT_EQ(parse_size("64Ki"), 65536U);
  EXPECT_EQ(parse_size("512Mi"), 512ULL << 20);
  EXPECT_EQ(parse_size("2Gi"), 2ULL << 30);
  EXPECT_EQ(parse_size("16777215Ti"), 16777215ULL << 40);
  for (const auto* text : {"", "Mi", "-1", "+1", "1.5Gi", "1 Gi", "1GB", "1gi", "0x10", " 1", "1 ",
                           "16777216Ti", "18446744073709551616"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Units, DurationsNeedAUnit) {
  EXPECT_EQ(parse_duration("200ms"), milliseconds(200));
  EXPECT_EQ(parse_duration("10s"), milliseconds(10000));
  EXPECT_EQ(parse_duration("5m"), milliseconds(300000));
  EXPECT_EQ(parse_duration("1h"), milliseconds(3600000));
  for (const auto* text : {"", "10", "s", "1.5s", "10S", "1d", "9223372036854775807h"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Units, WhatIsWrittenReadsBackAsTheSame) {
  for (const std::uint64_t bytes :
       {0ULL, 1ULL, 1000ULL, 1024ULL, 1536ULL, 5ULL << 20, 3ULL << 40, ~0ULL}) {
    EXPECT_EQ(parse_size(format_size(bytes)), bytes) << format_size(bytes);
  }
  for (const int ms : {0, 1, 999, 1000, 90000, 60000, 3600000}) {
    EXPECT_EQ(parse_duration(format_duration(milliseconds(ms))), milliseconds(ms));
  }
  EXPECT_EQ(format_size(1536ULL << 20), "1536Mi");
  EXPECT_EQ(format_duration(milliseconds(90000)), "90s");
}

TEST(Units, GuessesAreInOurSpelling) {
  EXPECT_EQ(guess_size("2GBs"), "2Gi");
  EXPECT_EQ(guess_size("512 MB"), "512Mi");
  EXPECT_EQ(guess_size("10 bytes"), "10");
  EXPECT_EQ(guess_size("much"), "");
  EXPECT_EQ(guess_duration("10 seconds"), "10s");
  EXPECT_EQ(guess_duration("2 days"), "48h");
  EXPECT_EQ(guess_duration("soon"), "");
}

TEST(Units, TheNearestWordIsNotJustAny) {
  EXPECT_EQ(nearest("memroy", {"cpus", "memory", "pids"}), "memory");
  EXPECT_EQ(nearest("killGrace", {"block", "kill_grace"}), "kill_grace");
  EXPECT_EQ(nearest("xyz", {"cpus", "memory", "pids"}), "");
  EXPECT_EQ(nearest("", {"cpus"}), "");
}

}  // namespace
}  // namespace caisson
