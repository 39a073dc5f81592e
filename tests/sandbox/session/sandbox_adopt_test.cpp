#include <gtest/gtest.h>

#include "sandbox/session/sandbox_dir.h"
#include "tests/support/sandbox_fixture.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;
using test::run_coro;

class Adopt : public test::SandboxTest {
 protected:
  using Found = Result<std::unique_ptr<Sandbox>>;
  asio::awaitable<Found> adopt(std::string id, Clock::duration time = 60s) {
    co_return co_await Sandbox::adopt(backend_, std::move(id), options(), Deadline::after(time));
  }

  // A sandbox in which a process that has gone has run `code`; and one that it has left running.
  asio::awaitable<std::string> left(std::string code, std::string running = "") {
    auto sandbox = co_await start();
    auto session = co_await sandbox->open_session(nlohmann::json::object(), Deadline::after(60s));
    EXPECT_TRUE(session);
    co_await execute(**session, code);
    Nursery nursery(co_await asio::this_coro::executor);
    if (!running.empty()) {
      auto begin = [&]() -> asio::awaitable<void> {
        EXPECT_EQ((co_await execute(**session, running)).status, Status::lost);
      };
      nursery.start(begin());
      co_await sleep_for(150ms);
    }
    co_await sandbox->leave();
    co_await nursery.join();
    co_return sandbox->id();
  }
};

TEST_F(Adopt, AnotherProcessGoesOnWithStateAndBlockNumbers) {
  auto work = [this]() -> asio::awaitable<void> {
    const auto id = co_await left("x = 1");
    // More often than the clock has seconds: each connection is a new one to init all the same.
    for (std::uint64_t block = 2; block < 6; ++block) {
      auto sandbox = co_await adopt(id);
      EXPECT_TRUE(sandbox) << sandbox.error().message;
      if (!sandbox) co_return;
      auto session = co_await (*sandbox)->adopt_session(1, 1s, Deadline::after(60s));
      EXPECT_TRUE(session) << session.error().message;
      if (!session) co_return;
      EXPECT_EQ((*session)->last_block(), block - 1);
      EXPECT_EQ((*session)->state().checkpoint, block - 1);
      const auto outcome = co_await execute(**session, "x += 1");
      EXPECT_EQ(outcome.block, block);
      if (block < 5) co_await (*sandbox)->leave();
      if (block < 5) continue;
      EXPECT_EQ(co_await value(**session, "x"), "5");
      co_await (*sandbox)->close(Deadline::after(60s));
    }
    EXPECT_TRUE(find_orphans(directory_).empty());
  };
  run_coro(work());
}

TEST_F(Adopt, ABlockThatStillRunsIsWaitedFor) {
  auto work = [this]() -> asio::awaitable<void> {
    const auto id = co_await left("x = 1", "import time\ntime.sleep(0.5)\nx = 2");
    auto sandbox = co_await adopt(id);
    EXPECT_TRUE(sandbox);
    if (!sandbox) co_return;
    auto session = co_await (*sandbox)->adopt_session(1, 60s, Deadline::after(60s));
    EXPECT_TRUE(session);
    if (session) EXPECT_EQ((*session)->state().checkpoint, 2U);
    if (session) EXPECT_EQ(co_await value(**session, "x"), "2");
    co_await (*sandbox)->close(Deadline::after(60s));
  };
  run_coro(work());
}

TEST_F(Adopt, ABlockThatDoesNotEndIsInterrupted) {
  auto work = [this]() -> asio::awaitable<void> {
    const auto id = co_await left("x = 1", "while True: print('a' * 1000)");
    auto sandbox = co_await adopt(id);
    EXPECT_TRUE(sandbox);
    if (!sandbox) co_return;
    auto session = co_await (*sandbox)->adopt_session(1, 50ms, Deadline::after(60s));
    EXPECT_TRUE(session);
    if (session) EXPECT_EQ(co_await value(**session, "x"), "1");
    co_await (*sandbox)->close(Deadline::after(60s));
  };
  run_coro(work());
}

TEST_F(Adopt, WhatAnotherProcessHasIsNotTouched) {
  auto work = [this]() -> asio::awaitable<void> {
    auto sandbox = co_await start();
    auto found = co_await adopt(sandbox->id(), 50ms);
    EXPECT_FALSE(found);
    if (!found) EXPECT_EQ(found.error().code, Errc::unavailable);
    EXPECT_TRUE(sandbox->lost_reason().empty());
    co_await sandbox->close(Deadline::after(60s));
  };
  run_coro(work());
}

TEST_F(Adopt, ASessionThatIsNotThereIsNotMade) {
  auto work = [this]() -> asio::awaitable<void> {
    auto first = co_await start();
    const auto id = first->id();
    co_await first->leave();
    auto sandbox = co_await adopt(id);
    EXPECT_TRUE(sandbox);
    if (!sandbox) co_return;
    const auto session = co_await (*sandbox)->adopt_session(1, 1s, Deadline::after(60s));
    EXPECT_FALSE(session);
    if (!session) EXPECT_EQ(session.error().code, Errc::not_found);
    co_await (*sandbox)->close(Deadline::after(60s));
  };
  run_coro(work());
}

TEST_F(Adopt, ASandboxThatNobodyUsesEndsAfterItsIdleTime) {
  policy_.time.idle = 200ms;
  auto work = [this]() -> asio::awaitable<void> {
    const auto id = co_await left("x = 1");
    const auto channel = (directory_ / "sandboxes" / id / "channel").string();
    auto container = co_await backend_.attach(id, channel, Deadline::after(1s));
    EXPECT_TRUE(container);
    if (container) co_await with_timeout((*container)->wait_end(), Deadline::after(30s));
    const auto found = co_await adopt(id);
    EXPECT_FALSE(found);
    if (!found) EXPECT_EQ(found.error().code, Errc::closed);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "sandboxes" / id));
  };
  run_coro(work());
}

TEST_F(Adopt, ASandboxEndsAfterItsLifetimeAlsoWhileItIsUsed) {
  policy_.time.session = 1s;
  auto work = [this]() -> asio::awaitable<void> {
    auto sandbox = co_await start();
    auto session = co_await sandbox->open_session(nlohmann::json::object(), Deadline::after(60s));
    EXPECT_TRUE(session);
    if (session) {
      const auto outcome = co_await execute(**session, "import time; time.sleep(30)");
      EXPECT_EQ(outcome.status, Status::lost);
      session->reset();
    }
    co_await sandbox->close(Deadline::after(60s));
  };
  run_coro(work());
}

}  // namespace
}  // namespace caisson
