// How blocks end, and what is left after each way.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include <chrono>

#include "tests/guest/guest_fixture.h"

namespace caisson::test {
namespace {

using wire::Ending;
using wire::Left;

const char* const spin_without_signals =
    "import signal\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n"
    "while True: pass\n";

void expect_fresh_head(Guest& guest) {
  const auto next = guest.run("'x' in globals()");
  EXPECT_EQ(next.finished.ending, Ending::finished);
  EXPECT_EQ(value_of(next), "False");
}

TEST(Block, GivesItsValueAndKeepsItsState) {
  Guest guest;
  guest.start();
  const auto first = guest.run("x = 20\nx + 1");
  EXPECT_EQ(value_of(first), "21");
  EXPECT_EQ(first.finished.ending, Ending::finished);
  EXPECT_EQ(first.finished.left, Left::committed);
  EXPECT_EQ(first.finished.checkpoint, 1u);
  EXPECT_GT(first.finished.wall_us, 0u);
  EXPECT_GT(first.finished.peak_bytes, 1u << 20);
  EXPECT_EQ(value_of(guest.run("x * 2")), "40");
}

TEST(Block, OutputOfPythonAndOfChildrenComesBeforeItFinishes) {
  Guest guest;
  guest.start();
  const auto block = guest.run(
      "import os, sys\nprint('one')\nos.system('echo two')\nprint('three', file=sys.stderr)");
  EXPECT_EQ(block.out, "one\ntwo\n");
  EXPECT_EQ(block.err, "three\n");
  EXPECT_EQ(block.finished.out_bytes, 8u);
  EXPECT_EQ(block.finished.err_bytes, 6u);
}

TEST(Block, AnExceptionCommits) {
  Guest guest;
  guest.start();
  const auto block = guest.run("y = 5\n1/0");
  EXPECT_EQ(block.finished.ending, Ending::finished);
  EXPECT_NE(block.result.find("ZeroDivisionError"), std::string::npos);
  EXPECT_EQ(value_of(guest.run("y")), "5");
}

TEST(Block, TimeoutThatIsHandledKeepsTheState) {
  Guest guest;
  guest.start();
  guest.run("x = 1");
  const auto block = guest.run("x = 2\nwhile True: pass", {0, 100, 0, 5000, 0});
  EXPECT_EQ(block.finished.ending, Ending::timeout_wall);
  EXPECT_EQ(block.finished.left, Left::committed);
  EXPECT_GE(block.finished.wall_us, 100000u);
  EXPECT_EQ(value_of(guest.run("x")), "2");
}

TEST(Block, LoopWithSignalsBlockedIsKilledWithinGrace) {
  Guest guest;
  guest.start();
  guest.run("x = 1");
  const auto begin = std::chrono::steady_clock::now();
  const auto block = guest.run(spin_without_signals, {0, 100, 0, 50, 0});
  EXPECT_EQ(block.finished.ending, Ending::timeout_wall);
  EXPECT_EQ(block.finished.left, Left::rolled_back);
  EXPECT_EQ(block.finished.checkpoint, 0u);
  expect_fresh_head(guest);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(150));
  RecordProperty("after_deadline_us",
                 static_cast<int>(took / std::chrono::microseconds(1)) - 150000);
}

TEST(Block, StoppedProcessIsKilledToo) {
  Guest guest;
  guest.start();
  const auto block =
      guest.run("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", {0, 50, 0, 20, 0});
  EXPECT_EQ(block.finished.ending, Ending::timeout_wall);
  expect_fresh_head(guest);
}

TEST(Block, CpuLimitCountsTheHead) {
  Guest guest;
  guest.start();
  const auto block = guest.run("while True: pass", {0, 10000, 100, 1000, 0});
  EXPECT_EQ(block.finished.ending, Ending::timeout_cpu);
  EXPECT_EQ(block.finished.left, Left::committed);
  EXPECT_GE(block.finished.cpu_us, 100000u);
  EXPECT_LT(block.finished.cpu_us, 1000000u);
}

TEST(Block, CpuLimitCountsChildrenAndSleepIsFree) {
  Guest guest;
  guest.start();
  EXPECT_EQ(guest.run("import time; time.sleep(0.15)", {0, 10000, 100, 1000, 0}).finished.ending,
            Ending::finished);
  const auto block =
      guest.run("import os\nos.system('while :; do :; done')", {0, 9000, 200, 50, 0});
  EXPECT_EQ(block.finished.ending, Ending::timeout_cpu);
  EXPECT_GE(block.finished.cpu_us, 190000u);
  EXPECT_TRUE(descendants(guest.pid()).size() <= 2);
}

TEST(Block, PauseStopsTheClocks) {
  Guest guest;
  guest.start();
  guest.execute(1, "import time\ntime.sleep(0.3)\n7", {0, 150, 0, 0, 0});
  const wire::BlockNumber number{1};
  guest.send(wire::Type::pause, 1, wire::bytes_of(number));
  const auto block = guest.finish(1);
  EXPECT_EQ(block.finished.ending, Ending::finished);
  EXPECT_EQ(value_of(block), "7");
  EXPECT_LT(block.finished.wall_us, 150000u);
}

TEST(Block, InterruptOfTheHostIsNamedAsItAsks) {
  Guest guest;
  guest.start();
  guest.execute(1, "while True: pass");
  const wire::Interrupt cancel{1, 2000, static_cast<std::uint32_t>(Ending::cancelled)};
  guest.send(wire::Type::interrupt, 1, wire::bytes_of(cancel));
  const auto block = guest.finish(1);
  EXPECT_EQ(block.finished.ending, Ending::cancelled);
  EXPECT_EQ(block.finished.left, Left::committed);
}

TEST(Block, DeathIsNamed) {
  struct Case {
    const char* code;
    Ending ending;
    std::uint32_t detail;
  };
  const Case cases[] = {
      {"import os; os._exit(3)", Ending::exited, 3},
      {"import os; os.abort()", Ending::signalled, SIGABRT},
      {"import ctypes; ctypes.string_at(0)", Ending::signalled, SIGSEGV},
      {"import os; os.kill(os.getpid(), 9)", Ending::signalled, SIGKILL},
  };
  Guest guest;
  guest.start();
  for (const auto& each : cases) {
    guest.run("x = 1");
    const auto block = guest.run(std::string("print('before', flush=True)\n") + each.code);
    EXPECT_EQ(block.finished.ending, each.ending) << each.code;
    EXPECT_EQ(block.finished.detail, each.detail) << each.code;
    EXPECT_EQ(block.finished.left, Left::rolled_back) << each.code;
    EXPECT_EQ(block.out, "before\n") << each.code;
    EXPECT_GT(block.finished.peak_bytes, 1u << 20) << each.code;
    expect_fresh_head(guest);
  }
}

TEST(Block, DeathBetweenBlocksIsToldByTheNextOne) {
  Guest guest;
  guest.start();
  const auto first = guest.run(
      "import threading, os, time\n"
      "threading.Thread(target=lambda: (time.sleep(0.05), os._exit(4)), daemon=True).start()");
  EXPECT_EQ(first.finished.ending, Ending::finished);
  while (guest.logs().find("between two blocks") == std::string::npos) guest.receive();
  const auto next = guest.run("1");
  EXPECT_EQ(next.finished.ending, Ending::exited);
  EXPECT_EQ(next.finished.detail, 4u);
  EXPECT_EQ(next.finished.left, Left::rolled_back);
  EXPECT_EQ(value_of(guest.run("1")), "1");
}

TEST(Output, HeadTailAndTotalAreRightAndMemoryStaysFlat) {
  Guest guest;
  guest.start();
  guest.run("1");
  const auto before = resident_bytes(guest.pid());
  const auto block = guest.run(
      "import os\n"
      "line = b'x' * 65535 + b'\\n'\n"
      "os.write(1, b'first\\n')\n"
      "for _ in range(16384): os.write(1, line)\n"
      "os.write(1, b'last\\n')\n");
  EXPECT_EQ(block.finished.ending, Ending::finished);
  EXPECT_EQ(block.finished.out_bytes, 16384u * 65536 + 11);
  EXPECT_EQ(block.out.size(), 32u * 1024);
  EXPECT_EQ(block.out.substr(0, 7), "first\nx");
  EXPECT_EQ(block.out_tail.size(), 32u * 1024);
  EXPECT_EQ(block.out_tail.substr(block.out_tail.size() - 7), "x\nlast\n");
  EXPECT_LT(resident_bytes(guest.pid()), before + (4u << 20));
}

TEST(Output, WithinTheLimitNothingIsDropped) {
  Guest guest([](wire::Setup& setup) { setup.limits.stdout_bytes = 1000; });
  guest.start();
  const auto block = guest.run("for i in range(100): print('%09d' % i)");
  std::string expected;
  for (int i = 0; i < 100; ++i)
    expected += std::string(i < 10 ? "00000000" : "0000000") + std::to_string(i) + "\n";
  EXPECT_EQ(block.out, expected);
  EXPECT_EQ(block.out_tail, "");
}

TEST(Output, BeyondTheTotalTheBlockIsKilled) {
  Guest guest([](wire::Setup& setup) { setup.limits.total_bytes = 1 << 20; });
  guest.start();
  const auto block = guest.run("while True: print('x' * 1000)");
  EXPECT_EQ(block.finished.ending, Ending::output_limit);
  EXPECT_EQ(block.finished.left, Left::rolled_back);
  EXPECT_GT(block.finished.out_bytes, 1u << 20);
  expect_fresh_head(guest);
}

TEST(Output, HostThatDoesNotReadSlowsTheBlockDown) {
  Guest guest([](wire::Setup& setup) { setup.limits.stdout_bytes = 256 << 20; });
  guest.start();
  guest.execute(1, "import os\nfor _ in range(1024): os.write(1, b'y' * 65536)");
  // Without anybody reading, init takes what it may keep, and then no more.
  const auto before = resident_bytes(guest.pid());
  auto now = before;
  for (int same = 0; same < 40 || now < before + (4u << 20);) {
    ::poll(nullptr, 0, 2);
    const auto again = resident_bytes(guest.pid());
    same = again == now ? same + 1 : 0;
    now = again;
  }
  EXPECT_LT(now, 32u << 20);
  const auto block = guest.finish(1);
  EXPECT_EQ(block.finished.out_bytes, 64u << 20);
  EXPECT_EQ(block.out.size(), 64u << 20);
}

TEST(Output, LateOutputOfAStrayIsInNoOtherBlock) {
  Guest guest([](wire::Setup& setup) { setup.limits.kill_strays = 0; });
  guest.start();
  const auto first = guest.run(
      "import subprocess\n"
      "p = subprocess.Popen(['sh', '-c', 'trap \"\" PIPE; while :; do echo stray; sleep 0.01; "
      "done'])");
  EXPECT_GE(first.finished.strays_kept, 1u);
  for (int i = 0; i < 5; ++i) {
    const auto block = guest.run("import time; time.sleep(0.03); print('mine')");
    EXPECT_EQ(block.out, "mine\n");
  }
  guest.run("p.kill(); p.wait()");
}

TEST(Strays, AreKilledBeforeTheBlockFinishes) {
  Guest guest;
  guest.start();
  const auto block = guest.run(
      "import subprocess, os\n"
      "subprocess.Popen(['sleep', '1000'])\n"
      "subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
      "if os.fork() == 0:\n"
      "    os.setsid()\n"
      "    if os.fork() == 0: os.execvp('sleep', ['sleep', '1000'])\n"
      "    os._exit(0)\n");
  EXPECT_EQ(block.finished.ending, Ending::finished);
  EXPECT_GE(block.finished.strays_killed, 3u);
  EXPECT_EQ(descendants(guest.pid()).size(), 2u);  // zygote and head
  EXPECT_EQ(guest.run("1").finished.strays_killed, 0u);
}

TEST(Strays, ForkBombIsSwept) {
  Guest guest;
  guest.start();
  const auto block = guest.run(
      "import os, time\n"
      "end = time.time() + 10\n"
      "for _ in range(200):\n"
      "    if os.fork() == 0:\n"
      "        while True:\n"
      "            try:\n"
      "                if os.fork() != 0: os._exit(0)\n"
      "            except OSError: pass\n"
      "while True: time.sleep(1)\n",
      {0, 300, 0, 0, 0});
  EXPECT_EQ(block.finished.ending, Ending::timeout_wall);
  EXPECT_EQ(block.finished.left, Left::rolled_back);
  expect_fresh_head(guest);
  EXPECT_EQ(descendants(guest.pid()).size(), 2u);
}

TEST(Protocol, GarbageFromTheHeadKillsIt) {
  const char* const cases[] = {
      "s.send(b'garbage')",
      "s.send(b'\\0' * 32)",
      "s.send(struct.pack('<IBBHIIQQ', 0x314E5343, 72, 0, 1, 500, 0, 0, 0))",
      "s.send(struct.pack('<IBBHIIQQ', 0x314E5343, 73, 0, 1, 0, 0, 0, 0))",
      "s.send(struct.pack('<IBBHIIQQQ', 0x314E5343, 72, 0, 2, 8, 0, 0, 0, n))",
      "s.send(struct.pack('<IBBHIIQQQ', 0x314E5343, 72, 0, 1, 8, 0, 0, 0, 999))",
      "[s.send(struct.pack('<IBBHIIQQQ', 0x314E5343, 70, 1, 1, 65536, 0, 0, 0, n) + b'x' * 65528) "
      "for _ in range(300)]",
      "[os.close(fd) for fd in range(3, 2048) if sock(fd)]",
      "os.fork() or (s.send(struct.pack('<IBBHIIQQQ', 0x314E5343, 72, 0, 1, 8, 0, 0, 0, n)), "
      "os._exit(0))",
  };
  Guest guest;
  guest.start();
  for (const char* code : cases) {
    const auto number = std::to_string(guest.last_block() + 1);
    const auto block = guest.run(
        "import os, socket, stat, struct, time\nn = " + number +
        "\ndef sock(fd):\n"
        "    try: return stat.S_ISSOCK(os.fstat(fd).st_mode)\n"
        "    except OSError: return False\n"
        "s = socket.socket(fileno=os.dup([fd for fd in range(3, 2048) if sock(fd)][0]))\n" +
        code + "\ntime.sleep(30)\n");
    EXPECT_EQ(block.finished.ending, Ending::protocol) << code;
    EXPECT_EQ(block.finished.left, Left::rolled_back) << code;
    expect_fresh_head(guest);
  }
}

TEST(Protocol, ToolCallAndItsResultPassThrough) {
  Guest guest;
  guest.start();
  guest.open(2, R"({"seeds":{},"tools":[{"name":"ask"}]})");
  guest.execute(1, "print('before')\nlen(ask('x' * 100000))", {}, 2);
  // What was printed before the call comes before it.
  EXPECT_EQ(guest.receive().type, wire::Type::output);
  const auto call = guest.receive(wire::Type::tool_call);
  EXPECT_GT(call.body.size(), 100000u);
  const auto at = call.body.find("\"id\":") + 5;
  const auto id = call.body.substr(at, call.body.find_first_of(",}", at) - at);
  guest.send(wire::Type::tool_result, 2,
             "{\"id\":" + id + ",\"value\":\"" + std::string(200000, 'y') + "\"}");
  EXPECT_EQ(value_of(guest.finish(1, 2)), "200000");
  // An answer that comes when nobody waits is dropped.
  guest.send(wire::Type::tool_result, 2, "{\"id\":" + id + ",\"value\":1}");
  guest.execute(2, "3", {}, 2);
  EXPECT_EQ(value_of(guest.finish(2, 2)), "3");
}

TEST(Contexts, HaveStatesAndEndingsOfTheirOwn) {
  Guest guest;
  guest.start();
  guest.open(2);
  guest.execute(1, "x = 1\nimport time\ntime.sleep(0.3)\nx", {}, 1);
  guest.execute(1, "import os, subprocess\nsubprocess.Popen(['sleep', '1000'])\nos._exit(5)", {},
                2);
  EXPECT_EQ(guest.finish(1, 2).finished.ending, Ending::exited);
  guest.execute(2, "'x' in globals()", {}, 2);
  EXPECT_EQ(value_of(guest.finish(2, 2)), "False");
}

TEST(Contexts, CloseEndsItsProcesses) {
  Guest guest([](wire::Setup& setup) { setup.limits.kill_strays = 0; });
  guest.start();
  guest.run("import subprocess\nsubprocess.Popen(['sleep', '1000'])");
  EXPECT_EQ(descendants(guest.pid()).size(), 3u);
  guest.send(wire::Type::close, 1, "");
  guest.open(2);
  EXPECT_EQ(descendants(guest.pid()).size(), 2u);
}

TEST(Zygote, IsReplacedWhenItDies) {
  Guest guest;
  guest.start();
  EXPECT_EQ(value_of(guest.run("x = 3\nx")), "3");
  for (const pid_t pid : descendants(guest.pid())) {
    if (value_of(guest.run("import os; os.getpid()")) != std::to_string(pid)) ::kill(pid, SIGKILL);
  }
  while (guest.logs().find("started again") == std::string::npos) guest.receive();
  EXPECT_EQ(value_of(guest.run("x")), "3");
  EXPECT_EQ(guest.run("import os; os._exit(1)").finished.left, Left::rolled_back);
  expect_fresh_head(guest);
}

}  // namespace
}  // namespace caisson::test
