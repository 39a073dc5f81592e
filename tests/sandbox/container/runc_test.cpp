// RuncBackend with the real runtime. Needs root for cgroups; rootless_test.cpp is for the rest.
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <fstream>

#include "sandbox/base/async.h"
#include "sandbox/container/cgroup.h"
#include "sandbox/container/oci_runtime.h"
#include "tests/sandbox/container/echo_container.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using test::ask;
using test::echo_spec;
using test::leftovers;
using test::run_coro;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Runc : public testing::Test {
 public:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: cgroups of containers";
    if (const auto ready = run_coro(backend_.probe(Deadline::after(5s))); !ready) {
      GTEST_SKIP() << ready.error().message;
    }
    test::make_echo_files(files_.path());
  }

  void TearDown() override {
    EXPECT_EQ(leftovers(id_), std::vector<std::string>());
    EXPECT_FALSE(fs::exists(files_.path() / "state/bundles" / id_));
    EXPECT_FALSE(fs::exists(files_.path() / "state/runc" / id_));
    EXPECT_TRUE(!fs::exists(files_.path() / "channel") || fs::is_empty(files_.path() / "channel"));
  }

  ContainerSpec spec() { return echo_spec(files_.path(), id_); }

  // Starts a container, asks it these things in one connection, and kills it.
  asio::awaitable<std::vector<std::string>> answers(ContainerSpec wanted,
                                                    std::vector<std::string> questions) {
    std::vector<std::string> all;
    auto container = co_await backend_.start(std::move(wanted), Deadline::after(20s));
    if (!container) {
      ADD_FAILURE() << container.error().message;
      co_return std::vector<std::string>(questions.size());
    }
    auto stream = co_await (*container)->connect(Deadline::after(10s));
    if (!stream) ADD_FAILURE() << stream.error().message;
    for (auto& question : questions) {
      if (stream) all.push_back(co_await ask(**stream, question));
    }
    co_await (*container)->kill(Deadline::after(10s));
    co_return all;
  }

  std::vector<std::string> ask_all(ContainerSpec wanted, std::vector<std::string> questions) {
    return run_coro(answers(std::move(wanted), std::move(questions)));
  }

  const std::string id_ = "cs-test-" + std::to_string(::getpid());
  test::TemporaryDirectory files_;
  RuncBackend backend_{{.program = "runc", .state_dir = files_.path() / "state"}};
};

TEST_F(Runc, GivesTheSpecToTheProcess) {
  const auto said = ask_all(spec(), {"echo hello", "who", "cwd", "hostname", "limit 7", "limit 4",
                                     "filtered", "read /proc/self/status"});
  EXPECT_EQ(said[0], "hello");
  EXPECT_EQ(said[1], "1 10001:10002");
  EXPECT_EQ(said[2], "/workspace");
  EXPECT_EQ(said[3], "echo-host");
  EXPECT_EQ(said[4], "256 512");
  EXPECT_EQ(said[5], "0 0");
  EXPECT_EQ(said[6], "Function not implemented");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_NE(said[7].find(std::string(set) + ":\t0000000000000000"), std::string::npos) << set;
  }
  EXPECT_NE(said[7].find("NoNewPrivs:\t1"), std::string::npos);
  EXPECT_NE(said[7].find("Seccomp:\t2"), std::string::npos);
  EXPECT_NE(said[7].find("Groups:\t \n"), std::string::npos) << "no supplementary groups";
}

TEST_F(Runc, OnlyItsTmpfsCanBeWritten) {
  const auto said = ask_all(
      spec(), {"write 1000 /workspace/a", "write 2000000 /workspace/big", "write 10 /etc/a",
               "write 10 /a", "write 10 /caisson/a", "write 10 /dev/a", "write 10 /tmp/a",
               "mode /workspace", "mode /tmp", "read /proc/self/mountinfo", "write 1 /proc/sys/a"});
  EXPECT_EQ(said[0], "written");
  EXPECT_EQ(said[1], "error: No space left on device");
  for (const auto i : {2U, 3U, 4U, 5U}) EXPECT_EQ(said[i], "error: Read-only file system") << i;
  EXPECT_EQ(said[6], "written");
  // Only the owner: runc before 1.2 gives a tmpfs the mode of its mount point.
  EXPECT_TRUE(said[7].ends_with(" 10001:10002")) << said[7];
  EXPECT_TRUE(said[8].ends_with(" 10001:10002")) << said[8];
  EXPECT_NE(said[9].find("nr_inodes=16"), std::string::npos);
  EXPECT_EQ(said[9].find("mqueue"), std::string::npos);
  EXPECT_EQ(said[9].find("sysfs"), std::string::npos);
  EXPECT_TRUE(said[10].starts_with("error")) << said[10];
}

TEST_F(Runc, InodesAreLimited) {
  std::vector<std::string> questions;
  for (int i = 0; i < 20; ++i) questions.push_back("mkdir /workspace/" + std::to_string(i));
  const auto said = ask_all(spec(), questions);
  EXPECT_EQ(said.front(), "made");
  EXPECT_EQ(said.back(), "error: No space left on device");
}

TEST_F(Runc, HidesTheHost) {
  const auto said = ask_all(spec(), {"read /proc/interrupts", "read /proc/kallsyms",
                                     "read /proc/keys", "read /proc/self/cgroup", "lo"});
  EXPECT_EQ(said[0], "");
  EXPECT_EQ(said[1], "");
  EXPECT_EQ(said[2], "");
  EXPECT_EQ(said[3].find("caisson-"), std::string::npos) << "a cgroup namespace of its own";
  EXPECT_EQ(said[4], "up");
}

TEST_F(Runc, LimitsProcesses) {
  // 9 of the policy, one checkpoint, ten of our own; init is one of them.
  EXPECT_EQ(ask_all(spec(), {"forks"}).at(0), "19");
}

TEST_F(Runc, SetsMemoryAndCpuLimits) {
  auto check = [](Runc& test) -> asio::awaitable<void> {
    auto container = co_await test.backend_.start(test.spec(), Deadline::after(20s));
    if (!container) {
      ADD_FAILURE() << container.error().message;
      co_return;
    }
    std::string seen;
    for (const auto& group : find_cgroups("caisson-" + test.id_)) {
      for (const char* file : {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes",
                               "cpu.cfs_quota_us", "memory.max", "cpu.max"}) {
        std::string value;
        if (std::ifstream in(group / file); std::getline(in, value)) {
          seen += std::string(file) + "=" + value + "\n";
        }
      }
    }
    EXPECT_TRUE(seen.find("memory.limit_in_bytes=67108864\n") != seen.npos ||
                seen.find("memory.max=67108864\n") != seen.npos)
        << seen;
    EXPECT_TRUE(seen.find("cpu.cfs_quota_us=50000\n") != seen.npos ||
                seen.find("cpu.max=50000 100000\n") != seen.npos)
        << seen;
    co_await (*container)->kill(Deadline::after(10s));
  };
  run_coro(check(*this));
}

TEST_F(Runc, TheChannelCanBeConnectedAgain) {
  auto twice = [](Runc& test) -> asio::awaitable<void> {
    auto container = co_await test.backend_.start(test.spec(), Deadline::after(20s));
    EXPECT_TRUE(container);
    for (int i = 0; i < 2 && container; ++i) {
      auto stream = co_await (*container)->connect(Deadline::after(10s));
      EXPECT_TRUE(stream);
      if (stream) EXPECT_EQ(co_await ask(**stream, "echo again"), "again");
      if (stream) (*stream)->close();
    }
    if (container) co_await (*container)->kill(Deadline::after(10s));
    if (container) co_await (*container)->kill(Deadline::after(10s));
    const auto gone = co_await (*container)->connect(Deadline::after(10s));
    EXPECT_EQ(gone.error().code, Errc::closed);
  };
  run_coro(twice(*this));
}

// Starts, says `line` and waits for the end that follows from it.
std::string end_after(Runc& test, std::string line) {
  auto work = [](Runc& fixture, std::string what) -> asio::awaitable<std::string> {
    auto container = co_await fixture.backend_.start(fixture.spec(), Deadline::after(20s));
    if (!container) co_return container.error().message;
    auto stream = co_await (*container)->connect(Deadline::after(10s));
    if (stream) co_await ask(**stream, "say famous last words");
    if (stream) co_await ask(**stream, std::move(what));
    auto end = co_await with_timeout((*container)->wait_end(), Deadline::after(20s));
    co_await (*container)->kill(Deadline::after(10s));
    co_return end ? *end : "did not end";
  };
  return run_coro(work(test, std::move(line)));
}

TEST_F(Runc, SaysWithWhichStatusInitExited) {
  EXPECT_EQ(end_after(*this, "exit 3"), "exited with status 3: famous last words");
}

TEST_F(Runc, SaysWhenTheKernelKilledForLackOfMemory) {
  EXPECT_EQ(end_after(*this, "eat"), "killed by the kernel for lack of memory: famous last words");
}

Error connect_error(Runc& test, ContainerSpec spec, Deadline deadline) {
  auto work = [](Runc& fixture, ContainerSpec wanted, Deadline limit) -> asio::awaitable<Error> {
    auto container = co_await fixture.backend_.start(std::move(wanted), Deadline::after(20s));
    if (!container) co_return container.error();
    auto stream = co_await (*container)->connect(limit);
    co_await (*container)->kill(Deadline::after(10s));
    if (stream) co_return Error(Errc::io, "connected");
    co_return stream.error();
  };
  return run_coro(work(test, std::move(spec), deadline));
}

TEST_F(Runc, AnInitThatFailsIsQuotedToWhoeverConnects) {
  auto failing = spec();
  failing.argv = {"/caisson/init", "--fail"};
  const auto error = connect_error(*this, failing, Deadline::after(10s));
  EXPECT_EQ(error.code, Errc::closed);
  EXPECT_NE(error.message.find("status 7: echo_init: cannot go on"), std::string::npos)
      << error.message;
}

TEST_F(Runc, AnInitThatNeverListensRunsIntoTheDeadline) {
  auto silent = spec();
  silent.argv = {"/caisson/init", "--silent"};
  EXPECT_EQ(connect_error(*this, silent, Deadline::after(50ms)).code, Errc::timed_out);
}

TEST_F(Runc, AProgramThatIsNotThereIsNamedAndNothingIsLeft) {
  auto wrong = spec();
  wrong.argv = {"/caisson/nothing"};
  const auto error = connect_error(*this, wrong, Deadline::after(10s));
  EXPECT_NE(error.message.find("/caisson/nothing"), std::string::npos) << error.message;
}

TEST_F(Runc, AStartThatIsTooLateLeavesNothing) {
  const auto container = run_coro(backend_.start(spec(), Deadline::after(1ms)));
  ASSERT_FALSE(container);
  EXPECT_EQ(container.error().code, Errc::timed_out) << container.error().message;
}

TEST_F(Runc, ACancelledStartLeavesNothing) {
  auto late = [](Runc& test, std::chrono::milliseconds patience) -> asio::awaitable<void> {
    const auto container = co_await with_timeout(
        test.backend_.start(test.spec(), Deadline::after(20s)), Deadline::after(patience));
    if (container && *container) co_await (**container)->kill(Deadline::after(10s));
  };
  // Also when the cancellation and the end of the start meet: that takes many tries.
  for (auto patience = 1ms; patience < 60ms; patience += 1ms) {
    run_coro(late(*this, patience));
    ASSERT_EQ(leftovers(id_), std::vector<std::string>()) << patience.count();
  }
}

TEST_F(Runc, ASocketThatLeadsElsewhereIsNotFollowed) {
  auto silent = spec();
  silent.argv = {"/caisson/init", "--silent"};
  fs::create_symlink("/run/docker.sock", files_.path() / "channel" / "channel.sock");
  EXPECT_NE(connect_error(*this, silent, Deadline::after(5s)).code, Errc::timed_out);
}

TEST_F(Runc, StdinAndStdoutCanBeTheChannel) {
  auto piped = spec();
  use_stdio_channel(piped);
  EXPECT_EQ(ask_all(piped, {"echo through pipes", "say to stderr"}).at(0), "through pipes");
}

TEST_F(Runc, AnotherProcessAttachesToWhatRuns) {
  auto abandon = [](Runc& test) -> asio::awaitable<void> {
    auto container = co_await test.backend_.start(test.spec(), Deadline::after(20s));
    EXPECT_TRUE(container);
  };
  run_coro(abandon(*this));
  RuncBackend next({.program = "runc", .state_dir = files_.path() / "state"});
  const auto channel = (files_.path() / "channel").string();
  auto go_on = [&]() -> asio::awaitable<void> {
    auto container = co_await next.attach(id_, channel, Deadline::after(10s));
    EXPECT_TRUE(container) << container.error().message;
    if (!container) co_return;
    EXPECT_EQ((*container)->id(), id_);
    auto stream = co_await (*container)->connect(Deadline::after(10s));
    EXPECT_TRUE(stream);
    if (stream) EXPECT_EQ(co_await ask(**stream, "echo alive"), "alive");
    co_await (*container)->kill(Deadline::after(10s));
    EXPECT_FALSE((co_await (*container)->wait_end()).empty());
    const auto gone = co_await next.attach(id_, channel, Deadline::after(10s));
    EXPECT_FALSE(gone);
    if (!gone) EXPECT_EQ(gone.error().code, Errc::closed);
  };
  run_coro(go_on());
}

TEST_F(Runc, AnOrchestratorThatStartsAgainFindsAndRemovesWhatIsLeft) {
  auto abandon = [](Runc& test) -> asio::awaitable<void> {
    auto container = co_await test.backend_.start(test.spec(), Deadline::after(20s));
    EXPECT_TRUE(container);
  };
  run_coro(abandon(*this));
  RuncBackend next({.program = "runc", .state_dir = files_.path() / "state"});
  const auto ids = run_coro(next.list(Deadline::after(5s)));
  ASSERT_TRUE(ids);
  EXPECT_EQ(*ids, std::vector<std::string>{id_});
  const auto removed = run_coro(next.remove(id_, Deadline::after(10s)));
  EXPECT_TRUE(removed) << removed.error().message;
  fs::remove(files_.path() / "channel" / "channel.sock");
}

TEST_F(Runc, BadInputIsSaidBeforeAnythingStarts) {
  auto root = spec();
  root.user = 0;
  EXPECT_EQ(run_coro(backend_.start(root, Deadline::after(5s))).error().code, Errc::bad_input);
  auto nowhere = spec();
  nowhere.image = "/nonexistent/image";
  const auto missing = run_coro(backend_.start(nowhere, Deadline::after(5s)));
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_NE(missing.error().message.find("images/python/build"), std::string::npos);
}

TEST_F(Runc, FindsImagesWithPython) {
  const auto image = (files_.path() / "image").string();
  const auto found = run_coro(backend_.find_image(image, Deadline::after(5s)));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->digest.starts_with("sha256:"));
  EXPECT_EQ(found->digest.size(), 7U + 64U);
  fs::remove(files_.path() / "image/usr/bin/python3");
  const auto without = run_coro(backend_.find_image(image, Deadline::after(5s)));
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().message.find("no python3"), std::string::npos);
}

TEST_F(Runc, SaysWhatIsMissingOnThisHost) {
  RuncBackend absent({.program = "no-such-runc", .state_dir = files_.path() / "state"});
  const auto probed = run_coro(absent.probe(Deadline::after(5s)));
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().code, Errc::unavailable);
  EXPECT_NE(probed.error().message.find("apt install runc"), std::string::npos);
  const auto started = run_coro(absent.start(spec(), Deadline::after(5s)));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::unavailable);
  RuncBackend unwritable({.program = "runc", .state_dir = "/proc/nowhere"});
  const auto state = run_coro(unwritable.probe(Deadline::after(5s)));
  ASSERT_FALSE(state);
  EXPECT_NE(state.error().message.find("--state-dir"), std::string::npos);
}

}  // namespace
}  // namespace caisson
