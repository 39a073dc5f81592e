// What only holds when init is PID 1 of a PID namespace.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/guest/guest_fixture.h"

namespace caisson::test {
namespace {

using wire::Ending;
using wire::Left;

class Pid1 : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto why = no_pid_namespace();
    if (!why.empty()) GTEST_SKIP() << why;
  }
};

// A limit on the number of processes below init, as a container has it.
class PidsLimit {
 public:
  explicit PidsLimit(int most) {
    for (const auto* root : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
      if (!std::filesystem::exists(std::string(root) + "/cgroup.procs")) continue;
      group_ = std::string(root) + "/caisson-test-" + std::to_string(::getpid());
      std::error_code error;
      if (std::filesystem::create_directory(group_, error) && write("pids.max", most)) return;
      std::filesystem::remove(group_, error);
      group_.clear();
    }
  }
  ~PidsLimit() {
    std::error_code ignored;
    if (!group_.empty()) std::filesystem::remove(group_, ignored);
  }
  bool add(pid_t pid) { return !group_.empty() && write("cgroup.procs", pid); }

 private:
  bool write(const char* file, int value) const {
    std::ofstream out(group_ + "/" + file);
    out << value << std::flush;
    return out.good();
  }
  std::string group_;
};

TEST_F(Pid1, BlocksRunAndBadOnesRollBack) {
  Guest guest({}, Guest::Place::pid_namespace);
  guest.start();
  EXPECT_EQ(value_of(guest.run("x = 1\nimport os\nos.getppid()")), "1");
  const auto block = guest.run(
      "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n"
      "while True: pass",
      {0, 50, 0, 20, 0});
  EXPECT_EQ(block.finished.ending, Ending::timeout_wall);
  EXPECT_EQ(block.finished.left, Left::rolled_back);
  EXPECT_EQ(value_of(guest.run("'x' in globals()")), "False");
}

TEST_F(Pid1, ProcessInTheSandboxIsTurnedAway) {
  Guest guest({}, Guest::Place::pid_namespace);
  guest.start();
  const auto block = guest.run(
      "import socket, struct\ns = socket.socket(socket.AF_UNIX)\ns.connect('channel.sock')\n"
      "s.settimeout(5)\n"
      "try:\n"
      "    s.send(struct.pack('<IBBHIIQQ', 0x314E5343, 1, 0, 0, 16, 1000, 0, 0) + b'\\\\x01' + "
      "bytes(15))\n"
      "    answer = s.recv(100)\n"
      "except OSError: answer = b''\n"
      "answer");
  EXPECT_EQ(value_of(block), "b''");
  EXPECT_NE(guest.logs().find("turned away"), std::string::npos);
  EXPECT_EQ(value_of(guest.run("2")), "2");
}

TEST_F(Pid1, ForkBombThatUsesUpAllProcessesIsSweptAndTheSessionGoesOn) {
  PidsLimit limit(64);
  Guest guest({}, Guest::Place::pid_namespace);
  guest.start();
  for (const pid_t pid : descendants(guest.pid())) {
    if (!limit.add(pid)) GTEST_SKIP() << "no pids cgroup can be made here";
  }
  const auto bomb =
      "import os\n"
      "while True:\n"
      "    try: os.fork()\n"
      "    except OSError: pass\n";
  for (int i = 0; i < 3; ++i) {
    const auto block = guest.run(bomb, {0, 300, 0, 0, 0});
    EXPECT_EQ(block.finished.ending, Ending::timeout_wall);
    EXPECT_EQ(block.finished.left, Left::rolled_back);
    EXPECT_GE(block.finished.strays_killed, 50u);
    EXPECT_EQ(value_of(guest.run("1")), "1");
    EXPECT_EQ(descendants(guest.pid()).size(), 3u);  // init, zygote, head
  }
}

TEST_F(Pid1, ForkBombThatHidesInSessionsOfItsOwnIsSweptAfterAnOrdinaryEnd) {
  PidsLimit limit(64);
  Guest guest({}, Guest::Place::pid_namespace);
  guest.start();
  for (const pid_t pid : descendants(guest.pid())) {
    if (!limit.add(pid)) GTEST_SKIP() << "no pids cgroup can be made here";
  }
  const auto block = guest.run(
      "import os, time\n"
      "if os.fork() == 0:\n"
      "    while True:\n"
      "        try:\n"
      "            if os.fork() != 0:\n"
      "                try: os.setsid()\n"
      "                except OSError: pass\n"
      "        except OSError: pass\n"
      "time.sleep(0.2)\n"
      "5");
  EXPECT_EQ(block.finished.ending, Ending::finished);
  EXPECT_EQ(block.finished.left, Left::committed);
  EXPECT_EQ(value_of(block), "5");
  EXPECT_GE(block.finished.strays_killed, 50u);
  EXPECT_EQ(descendants(guest.pid()).size(), 3u);
}

TEST_F(Pid1, NothingOutlivesInit) {
  Guest guest({}, Guest::Place::pid_namespace);
  guest.start();
  guest.run("import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)");
  const auto all = descendants(guest.pid());
  guest.send(wire::Type::shutdown, 0, "");
  EXPECT_EQ(guest.wait_exit(), 0);
  for (const pid_t pid : all) EXPECT_FALSE(is_alive(pid)) << pid;
}

}  // namespace
}  // namespace caisson::test
