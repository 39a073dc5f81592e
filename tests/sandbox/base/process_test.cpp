#include "sandbox/base/process.h"

#include <gtest/gtest.h>

#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using test::run_coro;
using namespace std::chrono_literals;

Command shell(std::string script) {
  Command command;
  command.argv = {"sh", "-c", std::move(script)};
  return command;
}

TEST(Run, KeepsBothStreamsAndTheStatus) {
  const auto done = run_coro(run(shell("echo out; echo err >&2; exit 3"), Deadline::after(10s)));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->out, "out\n");
  EXPECT_EQ(done->err, "err\n");
  EXPECT_EQ(done->status.code, 3);
}

TEST(Run, TellsASignalFromAnExitStatus) {
  const auto done = run_coro(run(shell("kill -9 $$"), Deadline::after(10s)));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->status.signal, 9);
  EXPECT_FALSE(done->status.ok());
}

TEST(Run, AMissingProgramIsNamed) {
  Command command;
  command.argv = {"no-such-program-anywhere"};
  const auto done = run_coro(run(command, Deadline::after(10s)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::not_found);
  EXPECT_NE(done.error().message.find("no-such-program-anywhere"), std::string::npos);
}

TEST(Run, KillsWhatOutlivesItsDeadline) {
  const auto start = Clock::now();
  const auto done = run_coro(run(shell("exec sleep 100"), Deadline::after(20ms)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::timed_out);
  EXPECT_LT(Clock::now() - start, 50s);
}

TEST(Run, DropsOutputBeyondTheLimitWithoutBlockingTheProgram) {
  const auto done = run_coro(run(shell("head -c 1000000 /dev/zero"), Deadline::after(10s), 1000));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->out.size(), 1000U);
  EXPECT_TRUE(done->status.ok());
}

TEST(Run, TheChildHasNoDescriptorsOfOurs) {
  const auto done = run_coro(run(shell("ls /proc/$$/fd"), Deadline::after(10s)));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->out.find("5"), std::string::npos) << done->out;
}

}  // namespace
}  // namespace caisson
