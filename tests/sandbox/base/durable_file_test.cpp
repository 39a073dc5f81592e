#include "sandbox/base/durable_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace caisson {
namespace {

class DurableFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "caisson-XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::filesystem::path directory_;
};

TEST_F(DurableFile, ReplacesWhatIsThereAndLeavesNothingElse) {
  const auto path = directory_ / "a";
  ASSERT_TRUE(replace_file(path, std::string(100000, 'x')));
  ASSERT_TRUE(replace_file(path, "short"));
  EXPECT_EQ(load_file(path, 100).value(), "short");
  struct stat facts{};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(DurableFile, AFailureLeavesTheOldOne) {
  const auto path = directory_ / "a";
  ASSERT_TRUE(replace_file(path, "old"));
  std::filesystem::create_directory(directory_ / ".a.next");
  EXPECT_FALSE(replace_file(path, "new"));
  EXPECT_EQ(load_file(path, 100).value(), "old");
  EXPECT_EQ(load_file(path, 2).error().code, Errc::too_large);
  EXPECT_EQ(load_file(directory_ / "b", 100).error().code, Errc::not_found);
}

TEST_F(DurableFile, ALockIsOfTheFileThatThePathNamesNow) {
  const auto path = directory_ / "lock";
  EXPECT_FALSE(lock_file(path, Locking::try_existing));
  auto first = lock_file(path, Locking::try_once);
  EXPECT_TRUE(first);
  EXPECT_FALSE(lock_file(path, Locking::try_once));
  EXPECT_EQ(errno, EWOULDBLOCK);
  std::filesystem::remove(path);
  EXPECT_TRUE(lock_file(path, Locking::try_once));
  first.reset();
  EXPECT_TRUE(lock_file(path, Locking::wait));
}

}  // namespace
}  // namespace caisson
