// The manager and its warm pools, with sandboxes that are plain processes.
#include "sandbox/session/manager.h"

#include <gtest/gtest.h>

#include <set>

#include "sandbox/session/sandbox_dir.h"
#include "sandbox/session/session_store.h"
#include "tests/support/sandbox_fixture.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;
using test::run_coro;

class Manager : public test::SandboxTest {
 protected:
  using Body = std::function<asio::awaitable<void>(SandboxManager&)>;
  void with_manager(Admission limits, Body body) {
    auto work = [&]() -> asio::awaitable<void> {
      SandboxManager manager(co_await asio::this_coro::executor, backend_, directory_, limits);
      co_await body(manager);
      co_await manager.close();
    };
    run_coro(work());
    EXPECT_TRUE(find_orphans(directory_).empty());
  }
  std::size_t sandboxes() const { return all_sandboxes(directory_).size(); }
  // A pool starts in the background.
  asio::awaitable<void> wait_for_sandboxes(std::size_t count) {
    for (int i = 0; sandboxes() != count && i < 3000; ++i) co_await sleep_for(10ms);
    EXPECT_EQ(sandboxes(), count);
  }
};

TEST_F(Manager, ALeaseIsASandboxOfItsOwnAndIsClosedWhenItIsOver) {
  with_manager({}, [this](SandboxManager& manager) -> asio::awaitable<void> {
    {
      auto one = co_await manager.lease(options(), Deadline::after(minute));
      auto two = co_await manager.lease(options(), Deadline::after(minute));
      EXPECT_TRUE(one && two);
      if (!one || !two) co_return;
      co_await execute(one->session(), "x = 1");
      EXPECT_EQ(co_await value(two->session(), "'x' in globals()"), "False");
      EXPECT_EQ(sandboxes(), 2U);
    }
    co_await wait_for_sandboxes(0);
  });
}

TEST_F(Manager, WhatIsWarmIsHandedOverAndNeverComesBack) {
  with_manager({}, [this](SandboxManager& manager) -> asio::awaitable<void> {
    PoolSettings settings;
    settings.size = 2;
    manager.keep_warm(options(), settings);
    std::set<std::string> seen;
    for (int i = 0; i < 4; ++i) {
      co_await wait_for_sandboxes(2);
      // Their directories are there before they are ready.
      for (int j = 0; manager.warm() < 2 && j < 3000; ++j) co_await sleep_for(10ms);
      const auto before = Clock::now();
      auto lease = co_await manager.lease(options(), Deadline::after(minute));
      EXPECT_TRUE(lease);
      if (!lease) co_return;
      EXPECT_EQ(co_await value(lease->session(), "1 + 1"), "2");
      EXPECT_LT(Clock::now() - before, 500ms);
      EXPECT_TRUE(seen.insert(lease->sandbox().id()).second);
      EXPECT_EQ(co_await value(lease->session(), "'mine' in globals()"), "False");
      co_await execute(lease->session(), "mine = 1");
    }
  });
}

TEST_F(Manager, AnotherPolicyIsNotServedFromThePool) {
  with_manager({}, [this](SandboxManager& manager) -> asio::awaitable<void> {
    PoolSettings settings;
    settings.size = 1;
    manager.keep_warm(options(), settings);
    for (int j = 0; manager.warm() < 1 && j < 3000; ++j) co_await sleep_for(10ms);
    policy_.time.block = 5s;
    auto lease = co_await manager.lease(options(), Deadline::after(minute));
    EXPECT_TRUE(lease);
    EXPECT_EQ(manager.warm(), 1U);
    if (lease) EXPECT_EQ(lease->sandbox().policy().time.block, 5s);
  });
}

TEST_F(Manager, AWarmSandboxThatHasDiedIsReplaced) {
  with_manager({}, [this](SandboxManager& manager) -> asio::awaitable<void> {
    PoolSettings settings;
    settings.size = 1;
    manager.keep_warm(options(), settings);
    for (int j = 0; manager.warm() < 1 && j < 3000; ++j) co_await sleep_for(10ms);
    ::kill(backend_.last_pid(), SIGKILL);
    co_await sleep_for(100ms);
    auto lease = co_await manager.lease(options(), Deadline::after(minute));
    EXPECT_TRUE(lease) << lease.error().message;
    if (lease) EXPECT_EQ(co_await value(lease->session(), "1 + 1"), "2");
  });
}

TEST_F(Manager, WhatDoesNotFitIsRefusedAndTheNextOneIsTakenWhenThereIsRoom) {
  Admission limits;
  limits.max_sandboxes = 1;
  with_manager(limits, [this](SandboxManager& manager) -> asio::awaitable<void> {
    {
      auto one = co_await manager.lease(options(), Deadline::after(minute));
      EXPECT_TRUE(one);
      auto two = co_await manager.lease(options(), Deadline::after(minute));
      EXPECT_FALSE(two);
      if (!two) EXPECT_EQ(two.error().code, Errc::unavailable);
    }
    co_await wait_for_sandboxes(0);
    auto three = co_await manager.lease(options(), Deadline::after(minute));
    EXPECT_TRUE(three);
  });
}

TEST_F(Manager, OrphansGoAndWhatANamedSessionCountsOnStays) {
  with_manager({}, [this](SandboxManager& manager) -> asio::awaitable<void> {
    const SessionStore store(directory_);
    auto lock = co_await store.lock("mine", Deadline::after(1s));
    EXPECT_TRUE(lock);
    std::vector<std::string> ids;
    // An orphan, one of a session, and one that says so of itself while the session has another.
    for (const auto* session : {"", "mine", "mine"}) {
      auto sandbox = co_await start();
      ids.push_back(sandbox->id());
      if (*session != 0) EXPECT_TRUE(sandbox->keep_for(session));
      co_await sandbox->leave();
    }
    SessionRecord record;
    record.name = "mine";
    record.sandbox = ids[1];
    record.context = 1;
    record.backend = "process";
    EXPECT_TRUE(store.save(record));
    co_await manager.remove_orphans();
    EXPECT_EQ(sandboxes(), 1U);
    auto kept = co_await Sandbox::adopt(backend_, ids[1], options(), Deadline::after(minute));
    EXPECT_TRUE(kept);
    if (kept) co_await (*kept)->leave();
    // Its container ends, and then it is nobody's either.
    auto container = co_await backend_.attach(
        ids[1], (directory_ / "sandboxes" / ids[1] / "channel").string(), Deadline::after(1s));
    EXPECT_TRUE(container);
    if (container) co_await (*container)->kill(Deadline::after(minute));
    co_await manager.remove_orphans();
    EXPECT_EQ(sandboxes(), 0U);
    EXPECT_EQ(store.names(), std::vector<std::string>{"mine"});
  });
}

}  // namespace
}  // namespace caisson
