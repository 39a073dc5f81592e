#include "sandbox/session/session_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;
using test::run_coro;

class Store : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "caisson-XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static SessionRecord record(std::string name) {
    SessionRecord record;
    record.name = std::move(name);
    record.sandbox = "cs-1";
    record.context = 1;
    record.backend = "runc";
    record.image = "python";
    record.policy = "/etc/\u00e4.yaml";
    record.policy_hash = "00ff";
    record.idle_ms = 1800000;
    record.lifetime_ms = 28800000;
    record.created = record.started = record.last_used = 1700000000;
    return record;
  }
  std::filesystem::path directory_;
};

TEST_F(Store, GivesBackWhatItWasGiven) {
  const SessionStore store(directory_);
  const auto lock = run_coro(store.lock("a.json", Deadline::after(1s)));
  ASSERT_TRUE(lock);
  ASSERT_TRUE(store.save(record("a.json")));
  ASSERT_TRUE(store.save(record("a")));
  EXPECT_EQ(store.load("a.json").value(), record("a.json"));
  EXPECT_EQ(store.names(), (std::vector<std::string>{"a", "a.json"}));
  store.remove("a.json");
  EXPECT_EQ(store.names(), std::vector<std::string>{"a"});
  EXPECT_EQ(store.load("a.json").error().code, Errc::not_found);
}

TEST_F(Store, NamesAreNoPaths) {
  for (const auto* good : {"a", "A-1", "x.y_z", "0"}) EXPECT_TRUE(check_session_name(good)) << good;
  for (const auto* bad : {"", ".", "..", ".a", "-a", "a/b", "a b", "a\n", "\u00e4"}) {
    EXPECT_FALSE(check_session_name(bad)) << bad;
  }
  EXPECT_TRUE(check_session_name(std::string(64, 'a')));
  EXPECT_FALSE(check_session_name(std::string(65, 'a')));
  EXPECT_FALSE(check_session_name(std::string("a\0b", 3)));
}

TEST_F(Store, OneAtATimeHasASession) {
  const SessionStore store(directory_);
  {
    const auto lock = run_coro(store.lock("a", Deadline::after(1s)));
    ASSERT_TRUE(lock);
    EXPECT_TRUE(store.in_use("a"));
    EXPECT_FALSE(store.in_use("b"));
    const auto second = run_coro(store.lock("a", Deadline::after(10ms)));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::unavailable);
    store.remove("a");
    // The file is gone, and who comes now has one of their own.
    EXPECT_TRUE(run_coro(store.lock("a", Deadline::after(1s))));
  }
  EXPECT_FALSE(store.in_use("a"));
}

TEST_F(Store, ARecordOfSomebodyElseIsRefusedWithItsFile) {
  const SessionStore store(directory_);
  ASSERT_TRUE(run_coro(store.lock("a", Deadline::after(1s))));
  for (const auto* text :
       {"", "{", "[]", "{}", "{\"sandbox\": \"../x\", \"context\": 1, \"backend\": \"runc\"}"}) {
    std::ofstream(directory_ / "sessions" / "a.json") << text;
    const auto loaded = store.load("a");
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().code, Errc::protocol);
    EXPECT_NE(loaded.error().message.find("a.json"), std::string::npos);
  }
}

TEST(WhyEnded, IsToldFromWhatIsKnown) {
  SessionRecord record;
  record.started = 1000;
  record.last_used = 2000;
  record.idle_ms = 1800000;
  record.lifetime_ms = 28800000;
  EXPECT_EQ(why_ended(record, 2010, 0), "its container is gone");
  EXPECT_EQ(why_ended(record, 3800, 0), "idle for 30m");
  EXPECT_EQ(why_ended(record, 3800, 3000), "this machine was started again");
  record.last_used = 29790;
  EXPECT_EQ(why_ended(record, 29800, 0), "its lifetime of 8h was over");
}

}  // namespace
}  // namespace caisson
