// RuncBackend for a user who is not root. As root, this program runs itself again as nobody.
#include <gtest/gtest.h>
#include <unistd.h>

#include "sandbox/base/async.h"
#include "sandbox/base/process.h"
#include "sandbox/container/host.h"
#include "sandbox/container/oci_runtime.h"
#include "tests/sandbox/container/echo_container.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using test::ask;
using test::run_coro;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Exit status of a run in which the host did not let anybody be tested.
constexpr int cannot = 77;

asio::awaitable<std::vector<std::string>> answers(RuncBackend& backend, ContainerSpec spec,
                                                  std::vector<std::string> questions) {
  std::vector<std::string> all(questions.size());
  auto container = co_await backend.start(std::move(spec), Deadline::after(20s));
  if (!container) {
    ADD_FAILURE() << container.error().message;
    co_return all;
  }
  auto stream = co_await (*container)->connect(Deadline::after(10s));
  if (!stream) ADD_FAILURE() << stream.error().message;
  for (std::size_t i = 0; stream && i < all.size(); ++i) {
    all[i] = co_await ask(**stream, questions[i]);
  }
  co_await (*container)->kill(Deadline::after(10s));
  co_return all;
}

TEST(Rootless, IsTestedAsAnotherUserToo) {
  if (::geteuid() != 0) GTEST_SKIP() << "this is already the other user";
  if (!look_at_host().user_namespaces) GTEST_SKIP() << "this host has no user namespaces";
  Command command;
  command.argv = {"setpriv",
                  "--reuid=65534",
                  "--regid=65534",
                  "--clear-groups",
                  fs::read_symlink("/proc/self/exe").string(),
                  "--gtest_filter=RootlessRunc.*"};
  const auto done = run_coro(run(command, Deadline::after(60s)));
  ASSERT_TRUE(done) << done.error().message;
  if (done->status.code == cannot) GTEST_SKIP() << done->out;
  EXPECT_TRUE(done->status.ok()) << done->out << done->err;
}

TEST(RootlessRunc, ConfinesInAUserNamespaceAndSaysWhatItCannotLimit) {
  if (::geteuid() == 0) GTEST_SKIP() << "runs as another user, through Rootless";
  if (!look_at_host().user_namespaces) {
    std::puts("this host does not let users make user namespaces");
    std::exit(cannot);
  }
  test::TemporaryDirectory files;
  test::make_echo_files(files.path());
  RuncBackend backend({.program = "runc", .state_dir = files.path() / "state"});
  const auto ready = run_coro(backend.probe(Deadline::after(5s)));
  ASSERT_TRUE(ready) << ready.error().message;
  EXPECT_NE(ready->find("(rootless)"), std::string::npos);
  const std::string id = "cs-rootless-" + std::to_string(::getpid());
  auto spec = test::echo_spec(files.path(), id);
  const auto missing = backend.missing_guarantees(spec);
  for (const char* what : {"memory_limit", "cpu_share", "process_limit", "user"}) {
    EXPECT_TRUE(missing.contains(what)) << what;
  }
  const auto said =
      run_coro(answers(backend, spec,
                       {"echo hello", "who", "read /proc/self/status", "write 10 /workspace/a",
                        "write 10 /etc/a", "write 10 /caisson/a", "filtered", "limit 7",
                        "read /proc/self/uid_map", "write 2000000 /tmp/a"}));
  EXPECT_EQ(said[0], "hello");
  EXPECT_EQ(said[1], "1 0:0");
  EXPECT_NE(said[2].find("CapEff:\t0000000000000000"), std::string::npos);
  EXPECT_NE(said[2].find("NoNewPrivs:\t1"), std::string::npos);
  EXPECT_EQ(said[3], "written");
  EXPECT_EQ(said[4], "error: Read-only file system");
  EXPECT_EQ(said[5], "error: Read-only file system");
  EXPECT_EQ(said[6], "Function not implemented");
  EXPECT_EQ(said[7], "256 512");
  EXPECT_NE(said[8].find(std::to_string(::geteuid())), std::string::npos) << said[8];
  EXPECT_EQ(said[9], "error: No space left on device");
  EXPECT_EQ(test::leftovers(id), std::vector<std::string>());
  EXPECT_FALSE(fs::exists(files.path() / "state/bundles" / id));
}

}  // namespace
}  // namespace caisson
