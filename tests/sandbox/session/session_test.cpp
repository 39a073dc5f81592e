#include "sandbox/session/session.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/sandbox/session/session_fixture.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

using test::SessionTest;

TEST_F(SessionTest, TheArticlesFourBlocksGiveTheirValues) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    EXPECT_EQ(text(co_await execute(session, "sum(range(1, 11))\n")), "55");
    co_await execute(session,
                     "def add(a, b):\n    return a + b\ndef multiply(a, b):\n    return a * b\n");
    EXPECT_EQ(text(co_await execute(session, "multiply(add(5, 3), 2)\n")), "16");
    EXPECT_EQ(
        text(co_await execute(session,
                              "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
                              "sum(fib(i) for i in range(10))\n")),
        "88");
    EXPECT_EQ(text(co_await execute(session, "sum(fib(i) for i in range(20))\n")), "10945");
  });
}

TEST_F(SessionTest, SeedsAndNamesLiveFromBlockToBlock) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "x = seed + 1");
    const auto outcome = co_await execute(session, "print('x is', x)\nx");
    EXPECT_EQ(outcome.out.text(), "x is 42\n");
    EXPECT_EQ(text(outcome), "42");
    EXPECT_EQ(outcome.state.change, StateChange::committed);
    EXPECT_EQ(sink_.text, "x is 42\n");
  });
}

TEST_F(SessionTest, AnExceptionIsAnOutcomeWithItsLine) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto outcome = co_await execute(session, "y = 1\ny / 0");
    EXPECT_EQ(outcome.status, Status::raised);
    EXPECT_EQ(outcome.error.value().type, "ZeroDivisionError");
    EXPECT_NE(outcome.error->traceback.find("<block 1>\", line 2"), std::string::npos)
        << outcome.error->traceback;
    EXPECT_EQ(text(co_await execute(session, "y")), "1");
  });
}

TEST_F(SessionTest, WhatABlockDisplaysIsBoundedOnTheHost) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto outcome = co_await execute(session,
                                          "class Big:\n"
                                          "    def _repr_html_(self): return 'x' * 5_000_000\n"
                                          "for _ in range(5): display(Big())\n");
    EXPECT_EQ(outcome.status, Status::ok);
    EXPECT_EQ(outcome.displays.size(), 3U);
    EXPECT_NE(outcome.guarantees.value("displays", "").find("2 not kept"), std::string::npos)
        << outcome.guarantees;
  });
}

TEST_F(SessionTest, CallsThatWaitForTheirAnswersAreBoundedOnTheHost) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto outcome =
        co_await execute(session,
                         "import threading, caisson\n"
                         "refused = []\n"
                         "def one():\n"
                         "    try: caisson.call_tool('hang', 'x' * 6_000_000)\n"
                         "    except caisson.ToolError as error: refused.append(str(error))\n"
                         "threads = [threading.Thread(target=one, daemon=True) for _ in range(4)]\n"
                         "for thread in threads: thread.start()\n"
                         "while len(refused) < 2: threading.Event().wait(0.01)\n"
                         "refused[0]\n",
                         20s);
    EXPECT_EQ(outcome.status, Status::ok);
    EXPECT_EQ(tools_.calls, 2);
    EXPECT_NE(text(outcome).find("too many calls at once"), std::string::npos) << text(outcome);
  });
}

TEST_F(SessionTest, SoIsTheirNumber) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto outcome = co_await execute(
        session,
        "import threading, caisson\n"
        "threading.stack_size(256 * 1024)\n"
        "refused = []\n"
        "def one():\n"
        "    try: caisson.call_tool('hang')\n"
        "    except caisson.ToolError as error: refused.append(str(error))\n"
        "threads = [threading.Thread(target=one, daemon=True) for _ in range(70)]\n"
        "for thread in threads: thread.start()\n"
        "while len(refused) < 6: threading.Event().wait(0.01)\n"
        "refused[0]\n",
        20s);
    EXPECT_EQ(outcome.status, Status::ok);
    EXPECT_EQ(tools_.calls, 64);
    EXPECT_NE(text(outcome).find("at most 64"), std::string::npos) << text(outcome);
  });
}

TEST_F(SessionTest, ToolsThatThePolicyDeniesAreNotCalled) {
  policy_.tools.deny = {"hang"};
  policy_.tools.max_calls = 3;
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto outcome = co_await execute(session,
                                          "import caisson\n"
                                          "said = []\n"
                                          "for _ in range(5):\n"
                                          "    try: caisson.call_tool('hang')\n"
                                          "    except caisson.ToolError as e: said.append(str(e))\n"
                                          "len(said)");
    EXPECT_EQ(text(outcome), "5");
    EXPECT_EQ(tools_.calls, 0);
    EXPECT_EQ(outcome.denials.size(), 1U);
    if (outcome.denials.empty()) co_return;
    EXPECT_EQ(outcome.denials[0].layer, "tool");
    EXPECT_EQ(outcome.denials[0].count, 5U);
    EXPECT_TRUE(outcome.denials[0].rule.starts_with("tools.deny")) << outcome.denials[0].rule;
  });
}

TEST_F(SessionTest, ADeniedImportIsADenialWithItsRule) {
  policy_.python.deny = {{"colorsys", "use numpy"}};
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto outcome = co_await execute(session, "x = 1\nimport colorsys");
    EXPECT_EQ(outcome.status, Status::raised);
    EXPECT_EQ(outcome.denials.size(), 1U);
    if (outcome.denials.empty()) co_return;
    EXPECT_EQ(outcome.denials[0].layer, "python");
    EXPECT_EQ(outcome.denials[0].subject, "import colorsys, line 2");
    EXPECT_EQ(outcome.denials[0].hint, "use numpy");
  });
}

TEST_F(SessionTest, AnErrorOfTheKernelIsADenialWhenThePolicyIsBehindIt) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    auto outcome = co_await execute(session, "try: open('/x/y', 'w')\nfinally: {}['k']");
    EXPECT_TRUE(outcome.denials.empty());  // there is no such place
    outcome = co_await execute(session,
                               "def ask():\n"
                               "    try: raise OSError(30, 'no', '/usr/x')\n"
                               "    except OSError as e: raise ValueError('wrapped') from e\n"
                               "ask()");
    EXPECT_EQ(outcome.denials.size(), 1U);
    if (outcome.denials.empty()) co_return;
    EXPECT_EQ(outcome.denials[0].subject, "writing /usr/x");
    EXPECT_EQ(outcome.denials[0].error, "EROFS");
    // What the guest claims is held against the policy.
    outcome = co_await execute(session, "raise OSError(2, 'no', '/usr/x')");
    EXPECT_TRUE(outcome.denials.empty());
  });
}

TEST_F(SessionTest, ABlockThatIsEndedForALimitNamesItsRule) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    Block block;
    block.code = "while True: pass";
    block.wall = 200ms;
    const auto outcome = co_await session.execute(block, Deadline::after(20s), sink_, tools_);
    EXPECT_EQ(outcome->status, Status::timeout_wall);
    EXPECT_EQ(outcome->denials.size(), 1U);
    if (outcome->denials.empty()) co_return;
    EXPECT_EQ(what_it_is(outcome->denials[0]), "limit");
    EXPECT_TRUE(outcome->denials[0].rule.starts_with("a limit of the caller, within time.block: "))
        << outcome->denials[0].rule;
  });
}

TEST_F(SessionTest, CodeThatReadsInAnotherOrderThanItRunsIsTold) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto told = co_await execute(session, "x = 1\ny = '\u202e'\nlen(y)");
    EXPECT_EQ(text(told), "1");
    EXPECT_EQ(told.guarantees.value("code", ""),
              "line 2 has characters that reorder what is seen of it");
    EXPECT_FALSE(
        (co_await execute(session, "'gr\u00fc\u00dfe \u20ac'")).guarantees.contains("code"));
  });
}

TEST_F(SessionTest, WhatIsOnlyRecordedHasNoError) {
  policy_.python.deny = {{"colorsys", "use numpy"}};
  policy_.python.guidance = Guidance::record;
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto outcome = co_await execute(session, "import colorsys\n7");
    EXPECT_EQ(text(outcome), "7");
    EXPECT_EQ(outcome.denials.size(), 1U);
    if (!outcome.denials.empty()) EXPECT_EQ(outcome.denials[0].error, "");
  });
}

TEST_F(SessionTest, ABlockThatIsNestedTooDeepDoesNotRun) {
  policy_.input.max_depth = 20;
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto deep = std::string(21, '[') + std::string(21, ']');
    const auto outcome = co_await execute(session, "x = 1\nx = " + deep);
    EXPECT_EQ(outcome.status, Status::denied);
    EXPECT_TRUE(outcome.denials.at(0).rule.starts_with("input.max_depth ("));
    EXPECT_TRUE(outcome.denials.at(0).id.starts_with("d-"));
    EXPECT_NE(outcome.reason.find("line 2 is nested 21 deep"), std::string::npos) << outcome.reason;
    EXPECT_EQ(text(co_await execute(session, "'x' in globals()")), "False");
  });
}

TEST_F(SessionTest, AnEndlessLoopIsInterruptedAndTheStateStays) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "kept = 7");
    const auto outcome =
        co_await execute(session, "print('before', flush=True)\nwhile True: pass", 200ms);
    EXPECT_EQ(outcome.status, Status::timeout_wall);
    EXPECT_EQ(outcome.state.change, StateChange::committed);
    EXPECT_EQ(outcome.out.text(), "before\n");
    EXPECT_EQ(text(co_await execute(session, "kept")), "7");
  });
}

TEST_F(SessionTest, ALoopThatBlocksSignalsIsKilledAndTheNextBlockRuns) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto outcome = co_await execute(
        session,
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\nwhile True: pass",
        200ms);
    EXPECT_EQ(outcome.status, Status::timeout_wall);
    EXPECT_EQ(outcome.state.change, StateChange::rolled_back);
    EXPECT_EQ(text(co_await execute(session, "1 + 1")), "2");
  });
}

TEST_F(SessionTest, DeathsOfTheProcessAreNamed) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    auto outcome = co_await execute(session, "print('out'); import os; os._exit(3)");
    EXPECT_EQ(outcome.status, Status::exited);
    EXPECT_EQ(outcome.exit_code, 3);
    outcome = co_await execute(session, "import os; os.abort()");
    EXPECT_EQ(outcome.status, Status::signal);
    EXPECT_EQ(outcome.signal, SIGABRT);
    outcome = co_await execute(session, "seed");
    EXPECT_EQ(text(outcome), "41") << "seeds are there again after a rollback to the start";
  });
}

TEST_F(SessionTest, TextThatPythonCannotTakeIsRefusedBeforeItRuns) {
  policy_.input.max_bytes = 1000;
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "z = 1");
    for (const std::string& code :
         {std::string("x = '\xff'"), std::string("x\0", 2), std::string(1001, '#')}) {
      const auto outcome = co_await execute(session, code);
      EXPECT_EQ(outcome.status, Status::denied);
      EXPECT_EQ(outcome.state.change, StateChange::unchanged);
      EXPECT_FALSE(outcome.reason.empty());
    }
    EXPECT_EQ(text(co_await execute(session, "z")), "1");
  });
}

TEST_F(SessionTest, BlocksOfOneSessionTakeTurns) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    Nursery nursery(co_await asio::this_coro::executor);
    std::vector<std::string> order;
    auto child = [&](std::string code) -> asio::awaitable<void> {
      order.push_back(text(co_await execute(session, code)));
    };
    nursery.start(child("import time; time.sleep(0.05); 'first'"));
    nursery.start(child("'second'"));
    co_await nursery.join();
    EXPECT_EQ(order, (std::vector<std::string>{"'first'", "'second'"}));
  });
}

TEST_F(SessionTest, ACancelledCallerInterruptsTheBlockAndTheSessionGoesOn) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto ended = co_await with_timeout(execute(session, "import time\ntime.sleep(50)", 55s),
                                             Deadline::after(100ms));
    EXPECT_FALSE(ended);
    EXPECT_EQ(text(co_await execute(session, "'alive'")), "'alive'");
  });
}

TEST_F(SessionTest, TheCallersDeadlineCancelsTheBlock) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    Block block;
    block.code = "while True: pass";
    const auto outcome =
        co_await session.execute(std::move(block), Deadline::after(100ms), sink_, tools_);
    EXPECT_TRUE(outcome);
    if (outcome) EXPECT_EQ(outcome->status, Status::cancelled);
  });
}

TEST_F(SessionTest, AnInitThatDiesIsLostAndOnlyThenIsTheSessionClosed) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    Nursery nursery(co_await asio::this_coro::executor);
    auto killer = [this]() -> asio::awaitable<void> {
      co_await sleep_for(100ms);
      ::kill(backend_.last_pid(), SIGKILL);
    };
    nursery.start(killer());
    const auto outcome = co_await execute(session, "import time\ntime.sleep(50)", 55s);
    EXPECT_EQ(outcome.status, Status::lost);
    EXPECT_EQ(outcome.state.change, StateChange::lost);
    co_await nursery.join();
    EXPECT_TRUE(session.closed());
    Block block;
    block.code = "1";
    const auto after =
        co_await session.execute(std::move(block), Deadline::after(1s), sink_, tools_);
    EXPECT_FALSE(after);
    if (!after) EXPECT_EQ(after.error().code, Errc::closed);
  });
}

TEST_F(SessionTest, AFileOfToolsSaysWhatItDefines) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    Block block;
    block.kind = Block::Kind::tools;
    block.label = "arithmetic.py";
    block.code =
        "def add(a: int, b: int = 2) -> int:\n    \"\"\"将两个数字相加\"\"\"\n    return a + b\n";
    const auto outcome =
        co_await session.execute(std::move(block), Deadline::after(10s), sink_, tools_);
    EXPECT_TRUE(outcome);
    if (!outcome) co_return;
    const json expected = json::array({{{"name", "add"},
                                        {"signature", "(a: int, b: int = 2) -> int"},
                                        {"doc", "将两个数字相加"}}});
    EXPECT_EQ(outcome->loaded, expected);
    EXPECT_EQ(text(co_await execute(session, "add(1)")), "3");
  });
}

TEST_F(SessionTest, TwoSessionsOfOneSandboxShareNoNames) {
  with_session([this](Session& session, Sandbox& sandbox) -> asio::awaitable<void> {
    co_await execute(session, "mine = 1");
    auto other = co_await sandbox.open_session(json::object(), Deadline::after(30s));
    EXPECT_TRUE(other);
    if (!other) co_return;
    const auto outcome = co_await execute(**other, "mine");
    EXPECT_EQ(outcome.error.value_or(ExceptionInfo{}).type, "NameError");
  });
}

}  // namespace
}  // namespace caisson
