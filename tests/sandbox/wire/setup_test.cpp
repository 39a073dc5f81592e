#include "sandbox/wire/setup.h"

#include <gtest/gtest.h>

namespace caisson::wire {
namespace {

Setup sample() {
  Setup setup;
  setup.argv = {"/usr/bin/python3", "-I"};
  setup.env = {"LANG=C.UTF-8"};
  setup.working_dir = "/workspace";
  setup.worker_config = R"({"preload": []})";
  setup.rlimits = {{4, 0, 0, 0}};
  setup.limits.memory_bytes = 1 << 30;
  setup.inner_filter = std::string("\x06\0\0\0\0\0\xff\x7f", 8);
  setup.calls = {{59, 1, 1}};
  setup.notify_required = 1;
  setup.landlock_fs = 0x1fff;
  setup.landlock_rules = {{"/usr", 5}};
  return setup;
}

TEST(Setup, ComesBackAsItWent) {
  const auto bytes = encode(sample());
  wire::Setup back;
  ASSERT_TRUE(decode(bytes, back));
  EXPECT_EQ(encode(back), bytes);
  EXPECT_EQ(back.landlock_rules[0].path, "/usr");
  EXPECT_EQ(back.inner_filter.size(), 8U);
  EXPECT_EQ(back.limits.memory_bytes, 1U << 30);
}

TEST(Setup, EveryTruncationIsRefusedOrLosesWholeFields) {
  const auto bytes = encode(sample());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    wire::Setup back;
    if (decode(std::string_view(bytes).substr(0, cut), back)) {
      EXPECT_EQ(encode(back).compare(0, 8, bytes, 0, 8), 0);
    }
  }
}

TEST(Setup, AnUnknownFieldIsRefused) {
  auto bytes = encode(sample());
  bytes += std::string("\xff\0\0\0\0\0\0\0", 8);
  wire::Setup back;
  EXPECT_FALSE(decode(bytes, back));
}

}  // namespace
}  // namespace caisson::wire
