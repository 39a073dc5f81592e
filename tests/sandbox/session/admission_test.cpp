#include "sandbox/session/admission.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

constexpr std::uint64_t gib = 1 << 30;

TEST(Admission, AsManyAsTheirMemoryAllows) {
  const std::vector<SandboxFacts> there(3, {"runc", 2 * gib, ""});
  EXPECT_TRUE(admit(there, 2 * gib, {10, 8 * gib}));
  EXPECT_TRUE(admit(there, 200 * gib, {10, 0}));
  const auto refused = admit(there, 2 * gib + 1, {10, 8 * gib});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  for (const auto* words :
       {"2.0 GiB", "3 sandboxes", "6.0 GiB", "8.0 GiB", "caisson sessions kill"}) {
    EXPECT_NE(refused.error().message.find(words), std::string::npos) << refused.error().message;
  }
}

TEST(Admission, NoMoreThanTheirNumber) {
  const std::vector<SandboxFacts> there(3, {"runc", 0, ""});
  EXPECT_TRUE(admit(there, 0, {4, 0}));
  const auto refused = admit(there, 0, {3, 0});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("no more than 3"), std::string::npos);
}

TEST(Admission, TheHostsMemoryIsKnown) {
  EXPECT_GT(host_memory_bytes(), 100U << 20);
}

}  // namespace
}  // namespace caisson
