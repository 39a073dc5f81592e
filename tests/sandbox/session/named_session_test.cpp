#include "sandbox/session/named_session.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/sandbox_fixture.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;
using test::run_coro;

class Named : public test::SandboxTest {
 protected:
  using Opened = Result<std::unique_ptr<NamedSession>>;

  asio::awaitable<Opened> open(NamedRequest::Want want = NamedRequest::Want::resume,
                               Millis rebuild_time = 60s) {
    SandboxManager manager(co_await asio::this_coro::executor, backend_, directory_, {});
    co_return co_await open_with(manager, want, rebuild_time);
  }
  asio::awaitable<Opened> open_with(SandboxManager& manager, NamedRequest::Want want,
                                    Millis rebuild_time) {
    auto lock = co_await store().lock("mine", Deadline::after(1s));
    EXPECT_TRUE(lock);
    NamedRequest request;
    request.name = "mine";
    request.options = options();
    request.image = "python";
    request.policy = "test";
    request.policy_hash = policy_fingerprint(policy_, {});
    request.want = want;
    request.rebuild_time = rebuild_time;
    co_return co_await NamedSession::open(manager, store(), std::move(*lock), std::move(request),
                                          Deadline::after(minute));
  }
  const SessionStore& store() {
    if (!store_) store_.emplace(directory_);
    return *store_;
  }

  // One command: runs code in the session, and leaves it. What it gave, and what was told.
  struct Said {
    std::vector<std::string> values;
    std::string news;
    std::string error;
    nlohmann::json guarantees;
  };
  Said command(std::vector<std::string> blocks,
               NamedRequest::Want want = NamedRequest::Want::resume, Millis rebuild_time = 60s) {
    auto work = [&]() -> asio::awaitable<Said> {
      SandboxManager manager(co_await asio::this_coro::executor, backend_, directory_, {});
      Said said;
      auto named = co_await open_with(manager, want, rebuild_time);
      if (!named) {
        said.error = named.error().message;
        co_return said;
      }
      for (const auto& line : (*named)->news()) said.news += line + "\n";
      for (const auto& code : blocks) {
        const auto outcome = co_await execute((*named)->session(), code);
        said.guarantees = outcome.guarantees;
        said.values.push_back(outcome.value.is_object() ? outcome.value.value("text/plain", "")
                                                        : "");
      }
      co_await (*named)->keep();
      co_return said;
    };
    return run_coro(work());
  }
  // Its container ends behind its back.
  void lose() {
    auto work = [this]() -> asio::awaitable<void> {
      const auto record = store().load("mine").value();
      co_await backend_.remove(record.sandbox, Deadline::after(minute));
    };
    run_coro(work());
  }
  void TearDown() override {
    auto work = [this]() -> asio::awaitable<void> {
      auto lock = co_await store().lock("mine", Deadline::after(1s));
      EXPECT_TRUE(lock);
      if (store().names().empty()) co_return store().remove("mine");
      const auto ended = co_await end_named_session(backend_, store(), directory_, std::move(*lock),
                                                    "mine", Deadline::after(minute));
      EXPECT_TRUE(ended);
      EXPECT_TRUE(std::filesystem::is_empty(directory_ / "sessions"));
      EXPECT_TRUE(all_sandboxes(directory_).empty());
    };
    run_coro(work());
    SandboxTest::TearDown();
  }

  std::optional<SessionStore> store_;
};

using Strings = std::vector<std::string>;

TEST_F(Named, ALostSessionIsMadeAgainFromWhatMadeItsState) {
  command({"import os\nx = [1]", "x.append(2)", "1/0", "y = x\nos._exit(3)"});
  // The last block was rolled back: it is not part of the state, and does not come back.
  command({"x.append(3)"});
  lose();
  auto said = command({"x, 'y' in globals()"});
  EXPECT_EQ(said.values, Strings{"([1, 2, 3], False)"});
  EXPECT_NE(said.news.find("4 blocks were run again"), std::string::npos) << said.news;
  EXPECT_NE(said.guarantees["rebuilt"].get<std::string>().find("4 blocks"), std::string::npos);
  // And once more: the journal of the new container is as good as the first one.
  lose();
  said = command({"x"});
  EXPECT_EQ(said.values, Strings{"[1, 2, 3]"});
  EXPECT_NE(said.news.find("5 blocks were run again"), std::string::npos) << said.news;
}

TEST_F(Named, ARebuildThatTakesTooLongIsRefusedAndCostsNothing) {
  command({"import time", "time.sleep(0.5)", "x = 1"});
  lose();
  const auto said = command({"x"}, NamedRequest::Want::resume, 200ms);
  EXPECT_NE(said.error.find("takes too long"), std::string::npos) << said.error;
  EXPECT_NE(said.error.find("--fresh"), std::string::npos) << said.error;
  EXPECT_EQ(command({"x"}).values, Strings{"1"});
}

TEST_F(Named, AJournalThatIsFullIsToldAndNotHalfReplayed) {
  command({"x = 1"});
  std::ofstream(store().journal("mine"), std::ios::app) << "{\"full\":true}\n";
  auto said = command({"x"});
  EXPECT_NE(said.guarantees["journal"].get<std::string>().find("cannot be made again"),
            std::string::npos);
  lose();
  said = command({"'x' in globals()"});
  EXPECT_EQ(said.values, Strings{"False"});
  EXPECT_NE(said.news.find("its journal is not complete; a new one is started"), std::string::npos)
      << said.news;
}

TEST_F(Named, AnotherPolicyIsRefusedAndAFreshStartIsNot) {
  command({"x = 1"});
  policy_.time.block = 5s;
  EXPECT_NE(command({"x"}).error.find("another one than when session mine was started"),
            std::string::npos);
  const auto said = command({"'x' in globals()"}, NamedRequest::Want::fresh);
  EXPECT_EQ(said.values, Strings{"False"}) << said.error;
  EXPECT_EQ(all_sandboxes(directory_).size(), 1U);
}

TEST_F(Named, OneThatIsNotThereIsNotMadeWhenItShouldExist) {
  EXPECT_EQ(command({}, NamedRequest::Want::existing).error, "there is no session 'mine'");
  EXPECT_TRUE(std::filesystem::is_empty(directory_ / "sessions"));
}

TEST_F(Named, AProblemWithTheJournalDoesNotEndALiveSession) {
  command({"x = 1"});
  const auto journal = store().journal("mine");
  std::filesystem::rename(journal, journal.string() + ".away");
  std::filesystem::create_directory(journal);
  EXPECT_FALSE(command({"x"}).error.empty());
  std::filesystem::remove(journal);
  std::filesystem::rename(journal.string() + ".away", journal);
  EXPECT_EQ(command({"x"}).values, Strings{"1"});
}

}  // namespace
}  // namespace caisson
