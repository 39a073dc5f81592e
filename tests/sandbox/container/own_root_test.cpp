#include "sandbox/container/own_root.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace caisson {
namespace {

constexpr const char* host =
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "28 27 0:21 / /proc rw,relatime - proc proc rw\n";
// What a process sees whose root is a plain directory of another file system.
constexpr const char* plain_chroot =
    "104 103 0:21 / /proc rw,relatime - proc proc rw\n"
    "105 103 0:22 / /sys rw,relatime - sysfs sysfs rw\n";

TEST(OwnRoot, AMountOnTheRootIsFoundByItsPlaceNotByItsOrigin) {
  EXPECT_TRUE(has_root_mount(host));
  EXPECT_FALSE(has_root_mount(plain_chroot));
}

TEST(OwnRoot, ATextThatIsCutOffIsNoMount) {
  const std::string text = host;
  const auto enough = text.find("/ / ") + 4;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    EXPECT_EQ(has_root_mount(text.substr(0, size)), size >= enough) << size;
  }
}

TEST(OwnRoot, WhereTheRootIsAMountTheCommandStaysAsItIs) {
  std::ifstream file("/proc/self/mountinfo");
  if (!has_root_mount(std::string(std::istreambuf_iterator<char>(file), {}))) {
    GTEST_SKIP() << "this test runs in a plain chroot";
  }
  EXPECT_EQ(in_own_root({"runc", "run", "x"}), (std::vector<std::string>{"runc", "run", "x"}));
}

}  // namespace
}  // namespace caisson
