// Checkpoints, going back to them, and branches: the real init and worker.
#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>

#include "tests/guest/guest_fixture.h"

namespace caisson::test {
namespace {

using wire::Ending;
using wire::Left;
using wire::Type;

Guest::Change keep(std::uint32_t checkpoints) {
  return [checkpoints](wire::Setup& setup) {
    setup.limits.checkpoints = checkpoints;
    setup.limits.memory_bytes = std::uint64_t{1} << 30;
  };
}

bool noted(const BlockRecord& block, wire::Note note) {
  return (block.finished.notes & static_cast<std::uint32_t>(note)) != 0;
}

wire::Restored roll_back(Guest& guest, std::uint64_t checkpoint, std::uint16_t context = 1) {
  const wire::Rollback request{checkpoint};
  guest.send(Type::rollback, context, wire::bytes_of(request));
  const auto answer = guest.receive(Type::restored);
  std::string_view body = answer.body;
  wire::Restored restored;
  EXPECT_TRUE(wire::take(body, restored));
  return restored;
}

void ask_branch(Guest& guest, std::uint16_t number, std::uint64_t checkpoint = wire::newest) {
  wire::Branch request;
  request.from = 1;
  request.checkpoint = checkpoint;
  guest.send(Type::branch, number, wire::bytes_of(request));
}

wire::Opened branch(Guest& guest, std::uint16_t number, std::uint64_t checkpoint = wire::newest) {
  ask_branch(guest, number, checkpoint);
  const auto answer = guest.receive(Type::opened);
  EXPECT_EQ(answer.context, number);
  std::string_view body = answer.body;
  wire::Opened opened;
  EXPECT_TRUE(wire::take(body, opened));
  return opened;
}

std::string run_in(Guest& guest, std::uint16_t context, std::uint64_t block,
                   std::string_view code) {
  guest.execute(block, code, {}, context);
  return value_of(guest.finish(block, context));
}

// Empty when it is not there, or no more: a process may end meanwhile.
std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string text;
  for (std::string line; std::getline(file, line);) text += line + "\n";
  return text;
}

char state_of(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = stat.rfind(')');
  return name_end == std::string::npos ? '-' : stat.at(name_end + 2);
}

// Processes of init that are stopped: its checkpoints, as soon as there are so many.
std::vector<pid_t> sleepers(const Guest& guest, std::size_t count) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::vector<pid_t> before;
  for (;;) {
    std::vector<pid_t> pids;
    for (const pid_t pid : descendants(guest.pid())) {
      if (state_of(pid) == 'T') pids.push_back(pid);
    }
    // Right after a block the checkpoint is still that of the block before it.
    const bool settled = pids.size() == count && pids == before;
    if (settled || std::chrono::steady_clock::now() > give_up) return pids;
    before = pids;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

struct Death {
  const char* name;
  const char* code;
  Ending ending;
  std::uint32_t detail;
};

class BadEnd : public testing::TestWithParam<Death> {};

TEST_P(BadEnd, GoesBackToTheStateBeforeTheBlock) {
  Guest guest(keep(1));
  guest.start();
  guest.run("a = list(range(10**5))\nb = 1");
  const wire::Execute limits{0, 300, 0, 100, 0};
  const auto block = guest.run(
      std::string("print('before', flush=True)\nb = 2\ndel a\n") + GetParam().code, limits);
  EXPECT_EQ(block.finished.ending, GetParam().ending);
  if (GetParam().ending == Ending::signalled || GetParam().ending == Ending::exited) {
    EXPECT_EQ(block.finished.detail, GetParam().detail);
  }
  EXPECT_EQ(block.finished.left, Left::rolled_back);
  EXPECT_EQ(block.finished.checkpoint, 1u);
  EXPECT_EQ(block.out, "before\n");
  EXPECT_EQ(value_of(guest.run("len(a), b")), "(100000, 1)");
  // And again: the checkpoint that woke has left another one behind.
  guest.run(std::string("b = 3\n") + GetParam().code, limits);
  EXPECT_EQ(value_of(guest.run("len(a), b")), "(100000, 1)");
}

INSTANTIATE_TEST_SUITE_P(
    Deaths, BadEnd,
    testing::Values(
        Death{"spin_without_signals",
              "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n"
              "while True: pass",
              Ending::timeout_wall, 0},
        Death{"stopped", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
              Ending::timeout_wall, 0},
        Death{"exit", "import os\nos._exit(3)", Ending::exited, 3},
        Death{"abort", "import os\nos.abort()", Ending::signalled, SIGABRT},
        Death{"kill_itself", "import os\nos.kill(os.getpid(), 9)", Ending::signalled, SIGKILL},
        Death{"null_pointer", "import ctypes\nctypes.string_at(0)", Ending::signalled, SIGSEGV},
        Death{"stack_overflow",
              "import sys\nsys.setrecursionlimit(10**8)\n"
              "class A:\n  def __repr__(self): return repr(self)\nrepr(A())\n"
              "def f(): return [f() for _ in (1,)]\nf()",
              Ending::signalled, SIGSEGV},
        Death{"exit_in_a_thread",
              "import os, threading\nthreading.Thread(target=os._exit, args=(5,)).start()\n"
              "while True: pass",
              Ending::exited, 5}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Checkpoint, ClosingAllDescriptorsCostsTheBlockAtMost) {
  Guest guest(keep(1));
  guest.start();
  guest.run("a = 7");
  guest.run("import os\nos.closerange(0, 4096)");
  EXPECT_EQ(value_of(guest.run("a")), "7");
}

TEST(Checkpoint, UsingUpAllDescriptorsCostsNothing) {
  Guest guest([](wire::Setup& setup) {
    keep(1)(setup);
    setup.rlimits.push_back({RLIMIT_NOFILE, 0, 256, 256});
  });
  guest.start();
  const auto block = guest.run(
      "import os\na, files = 7, []\ntry:\n  while True: files.append(os.open('/', os.O_RDONLY))\n"
      "except OSError as error: print(error.errno)");
  EXPECT_EQ(block.out, std::to_string(EMFILE) + "\n");
  EXPECT_EQ(value_of(guest.run("a")), "7");
  EXPECT_EQ(guest.run("os._exit(1)").finished.checkpoint, 2u);
  EXPECT_EQ(value_of(guest.run("a, len(files) > 200")), "(7, True)");
}

TEST(Checkpoint, IsAskedForAgainWhenTheWokenOneDies) {
  Guest guest(keep(1));
  guest.start();
  guest.run("a = 5");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(guest.run("import os\nos._exit(1)").finished.checkpoint, 1u);
  }
  EXPECT_EQ(value_of(guest.run("a")), "5");
}

TEST(Checkpoint, SleepsStoppedAndNobodysChildButInits) {
  Guest guest(keep(1));
  guest.start();
  EXPECT_EQ(guest
                .run("import os\nme = os.getpid()\n"
                     "try: os.waitpid(-1, 0)\nexcept ChildProcessError: print('none')")
                .out,
            "none\n");
  // The next block runs when the checkpoint is there.
  EXPECT_EQ(guest
                .run("try: os.waitpid(-1, os.WNOHANG)\n"
                     "except ChildProcessError: print('none')")
                .out,
            "none\n");
  EXPECT_EQ(value_of(guest.run("os.getpid() == me")), "True");
  guest.run("1");
  EXPECT_EQ(sleepers(guest, 1).size(), 1u);
}

TEST(Checkpoint, OnlyAsManyAreKeptAsThePolicySays) {
  Guest guest(keep(3));
  guest.start();
  for (int i = 1; i <= 8; ++i) guest.run("n = " + std::to_string(i));
  EXPECT_EQ(roll_back(guest, 4).problem, static_cast<std::uint32_t>(ENOENT));
  EXPECT_EQ(value_of(guest.run("n")), "8");  // the ninth block
  EXPECT_EQ(roll_back(guest, 7).checkpoint, 7u);
  EXPECT_EQ(value_of(guest.run("n")), "7");
  EXPECT_EQ(roll_back(guest, 9).problem, static_cast<std::uint32_t>(ENOENT));
  EXPECT_EQ(sleepers(guest, 2).size(), 2u);  // of blocks 7 and 10
}

TEST(Checkpoint, RollbackToZeroIsAFreshState) {
  Guest guest(keep(1));
  guest.start();
  guest.run("n = 1");
  EXPECT_EQ(roll_back(guest, 0).checkpoint, 0u);
  EXPECT_EQ(value_of(guest.run("'n' in globals()")), "False");
  EXPECT_EQ(guest.run("n = 2").finished.checkpoint, 3u);
  EXPECT_EQ(guest.run("import os\nos._exit(0)").finished.checkpoint, 3u);
}

TEST(Checkpoint, AThreadThatEndsTheProcessBetweenBlocksLosesNothing) {
  Guest guest(keep(1));
  guest.start();
  const auto before = guest.run(
      "import os, signal, threading\na = 1\n"
      "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
      "def end():\n  signal.sigwait([signal.SIGUSR1])\n  os._exit(4)\n"
      "threading.Thread(target=end).start()");
  EXPECT_NE(before.result.find("\"threads\":1"), std::string::npos) << before.result;
  const auto first = sleepers(guest, 1);
  const pid_t head = std::stoi("0" + value_of(guest.run("os.getpid()")));
  ASSERT_GT(head, 0);
  // What dies before its checkpoint is made goes back to the one before it.
  for (int i = 0; i < 200 && sleepers(guest, 1) == first; ++i) {
  }
  ::kill(head, SIGUSR1);
  // Until init has reaped it: its first thread is a zombie while others still end.
  while (::kill(head, 0) == 0) {
  }
  const auto after = guest.run("a");
  EXPECT_EQ(value_of(after), "1") << after.result;
  EXPECT_TRUE(noted(after, wire::Note::restored));
}

TEST(Checkpoint, KilledFromOutsideIsMadeAnew) {
  Guest guest(keep(1));
  guest.start();
  guest.run("a = 1");
  guest.run("a = 2");
  guest.run("a = 3");
  const auto first = sleepers(guest, 1);
  ASSERT_EQ(first.size(), 1u);
  ::kill(first.front(), SIGKILL);
  while (is_alive(first.front())) {
  }
  guest.run("1");
  EXPECT_EQ(guest.run("import os\nos._exit(1)").finished.checkpoint, 4u);
  EXPECT_EQ(value_of(guest.run("a")), "3");
}

TEST(Checkpoint, HoldsNoPipeOpen) {
  Guest guest([](wire::Setup& setup) {
    keep(1)(setup);
    setup.limits.kill_strays = 0;
  });
  guest.start();
  guest.run(
      "import subprocess\n"
      "p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)");
  guest.run("1");
  const auto block = guest.run("p.stdin.close()\np.stdout.read(), p.wait()", {0, 5000, 0, 100, 0});
  EXPECT_EQ(value_of(block), "(b'', 0)");
}

TEST(Checkpoint, DeadConnectionsCannotMeetAnotherFile) {
  Guest guest(keep(1));
  guest.start();
  guest.run(
      "import os\nreading, writing = os.pipe()\nplain = open('note', 'w+')\nplain.write('x')");
  guest.run("os._exit(1)");
  const auto block = guest.run(
      "other = open('other', 'w')\n"
      "try: os.write(writing, b'y')\nexcept OSError as error: print(error.errno)\n"
      "plain.flush(); os.stat('other').st_size, os.stat('note').st_size");
  EXPECT_EQ(block.out, std::to_string(EBADF) + "\n");
  EXPECT_EQ(value_of(block), "(0, 1)");
}

TEST(Checkpoint, RandomNumbersGoOnWhereTheyWere) {
  Guest guest(keep(1));
  guest.start();
  const auto expected = value_of(guest.run("import random\nr = random.Random(42)\nr.random()"));
  guest.run("random.seed(42)");
  guest.run("random.random()\nimport os\nos._exit(1)");
  EXPECT_EQ(value_of(guest.run("random.random()")), expected);
}

TEST(Checkpoint, AwaitWorksAfterARollback) {
  Guest guest(keep(1));
  guest.start();
  guest.run("import asyncio\nawait asyncio.sleep(0)");
  guest.run("import os\nos._exit(1)");
  EXPECT_EQ(value_of(guest.run("await asyncio.sleep(0, 'again')")), "'again'");
}

TEST(Checkpoint, ABlockOnHoldCanBeUndone) {
  Guest guest(keep(1));
  guest.start();
  guest.run("a = 1");
  EXPECT_EQ(guest.run("a = 2\n1/0", {0, 0, 0, 0, wire::hold}).finished.checkpoint, 2u);
  EXPECT_EQ(roll_back(guest, 1).problem, 0u);
  EXPECT_EQ(value_of(guest.run("a", {0, 0, 0, 0, wire::hold})), "1");
  const wire::BlockNumber number{3};
  guest.send(Type::keep, 1, wire::bytes_of(number));
  EXPECT_EQ(guest.run("import os\nos._exit(1)").finished.checkpoint, 3u);
}

TEST(Checkpoint, WithoutAnyTheStateIsFreshAndSaysSo) {
  Guest guest(keep(0));
  guest.start();
  guest.run("a = 1");
  const auto block = guest.run("import os\nos._exit(1)");
  EXPECT_EQ(block.finished.left, Left::rolled_back);
  EXPECT_EQ(block.finished.checkpoint, 0u);
  EXPECT_TRUE(sleepers(guest, 0).empty());
}

TEST(Checkpoint, TheRunningBlockStandsInFrontWhenMemoryIsShort) {
  Guest guest([](wire::Setup& setup) {
    keep(1)(setup);
    setup.limits.oom_score_adj = 600;
  });
  guest.start();
  const auto mine = "open('/proc/self/oom_score_adj').read().strip()";
  EXPECT_EQ(value_of(guest.run(mine)), "'600'");
  EXPECT_EQ(value_of(guest.run(mine)), "'600'");
  guest.run("1");
  for (const pid_t pid : sleepers(guest, 1)) {
    EXPECT_EQ(read_file("/proc/" + std::to_string(pid) + "/oom_score_adj"), "100\n");
  }
}

TEST(Branch, IsASessionOfItsOwn) {
  Guest guest(keep(1));
  guest.start();
  guest.run(
      "import os, random\na = [1]\nopen('f', 'w').write('one')\nos.makedirs('d/e')\n"
      "os.symlink('f', 'd/link')\nrandom.seed(1)");
  EXPECT_EQ(branch(guest, 2).last_block, 1u);
  EXPECT_EQ(run_in(guest, 2, 2, "a.append(2)\nopen('f', 'a').write(' two')\na, open('f').read()"),
            "([1, 2], 'one two')");
  EXPECT_EQ(run_in(guest, 2, 3, "sorted(os.listdir()), os.readlink('d/link'), os.listdir('d/e')"),
            "(['d', 'f'], 'f', [])");
  EXPECT_EQ(run_in(guest, 1, 2, "a, open('f').read()"), "([1], 'one')");
  EXPECT_NE(run_in(guest, 1, 3, "random.random()"), run_in(guest, 2, 4, "random.random()"));
  // It has a checkpoint of its own.
  guest.execute(5, "os._exit(1)", {}, 2);
  EXPECT_EQ(guest.finish(5, 2).finished.checkpoint, 4u);
  EXPECT_EQ(run_in(guest, 2, 6, "a"), "[1, 2]");
  // And goes without a trace.
  guest.send(Type::close, 2, {});
  EXPECT_EQ(run_in(guest, 1, 4, "a"), "[1]");
}

TEST(Branch, OfAnEarlierCheckpoint) {
  Guest guest(keep(2));
  guest.start();
  guest.run("a = 1");
  guest.run("a = 2");
  EXPECT_EQ(branch(guest, 2, 1).checkpoint, 1u);
  EXPECT_EQ(run_in(guest, 2, 3, "a"), "1");
  EXPECT_EQ(run_in(guest, 1, 3, "a"), "2");
  guest.execute(4, "import os\nos._exit(1)");
  EXPECT_EQ(guest.finish(4).finished.checkpoint, 3u);
}

TEST(Branch, OfABlockWithoutACheckpointIsRefused) {
  Guest guest(keep(1));
  guest.start();
  guest.run("a = 1");
  guest.run("a = 2");
  ask_branch(guest, 2, 1);
  EXPECT_EQ(guest.receive(Type::refused).context, 2);
  EXPECT_EQ(value_of(guest.run("a")), "2");
}

TEST(Branch, WorksWithoutCheckpoints) {
  Guest guest(keep(0));
  guest.start();
  guest.run("a = 1");
  branch(guest, 2);
  EXPECT_EQ(run_in(guest, 2, 2, "a"), "1");
  EXPECT_TRUE(sleepers(guest, 0).empty());
}

TEST(Branch, OutlivesTheSessionThatItCameFrom) {
  Guest guest(keep(1));
  guest.start();
  guest.run("a = 1\nopen('f', 'w').write('one')");
  branch(guest, 2);
  const wire::Close close{};
  guest.send(Type::close, 1, wire::bytes_of(close));
  EXPECT_EQ(run_in(guest, 2, 2, "a, open('f').read()"), "(1, 'one')");
  guest.execute(3, "import os\nos._exit(1)", {}, 2);
  EXPECT_EQ(guest.finish(3, 2).finished.checkpoint, 2u);
  EXPECT_EQ(run_in(guest, 2, 4, "a"), "1");
}

TEST(Branch, TakesTheDirectoryOverWhenItIsTheHeir) {
  Guest guest(keep(1));
  guest.start();
  guest.run("import os\nos.mkdir('sub'); open('old', 'w').close()");
  branch(guest, 2);
  run_in(guest, 2, 2, "os.remove('old'); open('new', 'w').close(); os.chdir('sub')");
  const wire::Close close{2, 0, 0};
  guest.send(Type::close, 1, wire::bytes_of(close));
  const auto home = guest.directory().string();
  EXPECT_EQ(run_in(guest, 2, 3, "os.getcwd()"), "'" + home + "/sub'");
  EXPECT_EQ(run_in(guest, 2, 4, "sorted(os.listdir('..'))").find("'old'"), std::string::npos);
  EXPECT_EQ(run_in(guest, 2, 5, "os.path.exists('../new')"), "True");
}

}  // namespace
}  // namespace caisson::test
