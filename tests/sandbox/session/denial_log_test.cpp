#include "sandbox/session/denial_log.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "sandbox/base/json.h"

namespace caisson {
namespace {

struct DenialLogTest : testing::Test {
  std::filesystem::path directory = [] {
    std::string path = testing::TempDir() + "caisson-XXXXXX";
    return std::filesystem::path(::mkdtemp(path.data()));
  }();
  DenialLog log{directory};
  DenialPlace place{"cs-1", "work", "strict"};

  void TearDown() override { std::filesystem::remove_all(directory); }

  Outcome denied(std::string subject) {
    Outcome outcome;
    outcome.block = 3;
    Denial denial;
    denial.layer = "seccomp";
    denial.subject = std::move(subject);
    denial.fix = "network.mode: loopback";
    outcome.denials.push_back(denial);
    return outcome;
  }
};

TEST_F(DenialLogTest, ADenialIsFoundAgainByItsId) {
  auto first = denied("socket()");
  auto second = denied("ptrace()");
  ASSERT_TRUE(log.write(place, first));
  ASSERT_TRUE(log.write(place, second));
  EXPECT_NE(first.denials[0].id, second.denials[0].id);
  const auto found = log.find(first.denials[0].id);
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)["subject"], "socket()");
  EXPECT_EQ((*found)["session"], "work");
  EXPECT_EQ((*found)["fix"], "network.mode: loopback");
  EXPECT_EQ((*log.find("last"))["subject"], "ptrace()");
}

TEST_F(DenialLogTest, WithoutDenialsThereIsNoFile) {
  Outcome outcome;
  ASSERT_TRUE(log.write(place, outcome));
  EXPECT_TRUE(std::filesystem::is_empty(directory));
  EXPECT_EQ(log.find("last").error().code, Errc::not_found);
}

TEST_F(DenialLogTest, AnIdThatIsPartOfAnotherTextIsNotFound) {
  auto outcome = denied("open d-00000000");
  ASSERT_TRUE(log.write(place, outcome));
  EXPECT_EQ(log.find("d-00000000").error().code, Errc::not_found);
  EXPECT_EQ(log.find("").error().code, Errc::not_found);
}

TEST_F(DenialLogTest, ALineThatWasCutShortIsLeftOut) {
  auto outcome = denied("socket()");
  ASSERT_TRUE(log.write(place, outcome));
  std::ofstream(directory / "denials.jsonl", std::ios::app) << "{\"id\": \"d-cut";
  EXPECT_EQ((*log.find("last"))["id"], outcome.denials[0].id);
}

TEST_F(DenialLogTest, OldOnesArePutAwayAndStillFoundAndTheRestIsForgotten) {
  auto first = denied("first");
  ASSERT_TRUE(log.write(place, first));
  auto large = denied(std::string(1 << 20, 'x'));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.write(place, large));
  EXPECT_TRUE(log.find(first.denials[0].id));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.write(place, large));
  EXPECT_FALSE(log.find(first.denials[0].id));
  EXPECT_TRUE(log.find(large.denials[0].id));
}

TEST_F(DenialLogTest, ADirectoryThatCannotBeWrittenIsAnErrorAndTheIdIsThere) {
  const DenialLog nowhere(directory / "missing");
  auto outcome = denied("socket()");
  EXPECT_EQ(nowhere.write(place, outcome).error().code, Errc::io);
  EXPECT_NE(outcome.denials[0].id, "");
}

}  // namespace
}  // namespace caisson
