// DockerBackend with a real daemon: the one that answers, or one that this test starts and stops.
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>

#include "sandbox/base/async.h"
#include "sandbox/base/nursery.h"
#include "sandbox/container/docker.h"
#include "sandbox/container/oci_config.h"
#include "tests/sandbox/container/echo_container.h"
#include "tests/sandbox/container/echo_image.h"
#include "tests/support/run_coro.h"
#include "tests/support/tcp_relay.h"

namespace caisson {
namespace {

using nlohmann::json;
using test::ask;
using test::leftovers;
using test::run_coro;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

// gtest owns it.
auto* const shared =
    static_cast<test::EchoImage*>(testing::AddGlobalTestEnvironment(new test::EchoImage));

class Docker : public testing::Test {
 public:
  void SetUp() override {
    if (!shared->why_not.empty()) GTEST_SKIP() << shared->why_not;
    backend = std::make_unique<DockerBackend>(*shared->daemon->target());
    ASSERT_TRUE(run_coro(backend->probe(Deadline::after(5s))));
  }

  void TearDown() override {
    if (!backend) return;
    EXPECT_EQ(run_coro(backend->list(Deadline::after(5s))).value(), std::vector<std::string>());
    EXPECT_EQ(leftovers(id), std::vector<std::string>());
    EXPECT_TRUE(fs::is_empty(shared->files->path() / "channel"));
  }

  ContainerSpec spec() {
    auto wanted = test::echo_spec(shared->files->path(), id);
    wanted.image = test::echo_image_name;
    return wanted;
  }

  asio::awaitable<std::vector<std::string>> answers(ContainerSpec wanted,
                                                    std::vector<std::string> questions) {
    std::vector<std::string> all;
    auto container = co_await backend->start(std::move(wanted), Deadline::after(20s));
    if (!container) {
      ADD_FAILURE() << container.error().message;
      co_return std::vector<std::string>(questions.size());
    }
    auto stream = co_await (*container)->connect(Deadline::after(10s));
    if (!stream) ADD_FAILURE() << stream.error().message;
    for (auto& question : questions) {
      all.push_back(stream ? co_await ask(**stream, question) : "");
    }
    co_await (*container)->kill(Deadline::after(10s));
    co_return all;
  }

  std::vector<std::string> ask_all(ContainerSpec wanted, std::vector<std::string> questions) {
    return run_coro(answers(std::move(wanted), std::move(questions)));
  }

  const std::string id = "cs-test-" + std::to_string(::getpid());
  std::unique_ptr<DockerBackend> backend;
};

TEST_F(Docker, SaysItsVersions) {
  const auto text = run_coro(backend->probe(Deadline::after(5s)));
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->starts_with("Docker Engine ")) << *text;
  EXPECT_NE(text->find("(API 1."), std::string::npos) << *text;
}

TEST_F(Docker, GivesTheSpecToTheProcess) {
  const auto said = ask_all(spec(), {"echo hello", "who", "cwd", "hostname", "limit 7", "limit 4",
                                     "filtered", "read /proc/self/status", "lo"});
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
  EXPECT_EQ(said[8], "up");
}

TEST_F(Docker, OnlyItsTmpfsCanBeWritten) {
  const auto said =
      ask_all(spec(), {"write 1000 /workspace/a", "write 2000000 /workspace/big", "write 10 /etc/a",
                       "write 10 /a", "write 10 /caisson/a", "write 10 /tmp/a", "mode /workspace",
                       "read /proc/self/mountinfo", "write 1 /dev/mqueue/a", "write 1 /dev/a"});
  EXPECT_EQ(said[0], "written");
  EXPECT_EQ(said[1], "error: No space left on device");
  for (const auto i : {2U, 3U, 4U}) EXPECT_EQ(said[i], "error: Read-only file system") << i;
  EXPECT_EQ(said[5], "written");
  EXPECT_TRUE(said[6].ends_with(" 10001:10002")) << said[6];
  EXPECT_NE(said[7].find("nr_inodes=16"), std::string::npos);
  EXPECT_TRUE(said[8].starts_with("error")) << said[8];
  EXPECT_TRUE(said[9].starts_with("error")) << said[9];
}

TEST_F(Docker, HidesTheHost) {
  const auto said = ask_all(spec(), {"read /proc/interrupts", "read /proc/kallsyms",
                                     "read /proc/keys", "read /proc/self/cgroup", "forks"});
  EXPECT_EQ(said[0], "");
  EXPECT_EQ(said[1], "");
  EXPECT_EQ(said[2], "");
  EXPECT_EQ(said[3].find("docker"), std::string::npos) << "a cgroup namespace of its own";
  // 9 of the policy, one checkpoint, ten of our own; init is one of them.
  EXPECT_EQ(said[4], "19");
}

TEST_F(Docker, TheDaemonSawEveryField) {
  auto look = [](Docker& test, ContainerSpec wanted) -> asio::awaitable<json> {
    auto container = co_await test.backend->start(std::move(wanted), Deadline::after(20s));
    if (!container) {
      ADD_FAILURE() << container.error().message;
      co_return json();
    }
    auto seen = co_await test.backend->api().call("GET", "/containers/" + test.id + "/json", json(),
                                                  Deadline::after(5s));
    co_await (*container)->kill(Deadline::after(10s));
    co_return *seen;
  };
  auto wanted = spec();
  wanted.labels["org.caisson.owner"] = "me";
  wanted.oom_score_adj = 7;
  const auto seen = run_coro(look(*this, wanted));
  const auto& config = seen["Config"];
  EXPECT_EQ(config["User"], "10001:10002");
  EXPECT_EQ(config["Entrypoint"], json(wanted.argv));
  EXPECT_EQ(config["Tty"], false);
  EXPECT_EQ(config["OpenStdin"], false);
  EXPECT_EQ(config["Labels"][sandbox_label], id);
  EXPECT_EQ(config["Labels"]["org.caisson.owner"], "me");
  EXPECT_EQ(config["Labels"]["org.caisson.policy"], "echo");
  EXPECT_EQ(config["Healthcheck"]["Test"], json::array({"NONE"}));
  EXPECT_EQ(config["WorkingDir"], "/workspace");
  const auto& host = seen["HostConfig"];
  EXPECT_EQ(host["LogConfig"]["Type"], "none");
  EXPECT_EQ(host["ReadonlyRootfs"], true);
  EXPECT_EQ(host["CapDrop"], json::array({"ALL"}));
  EXPECT_EQ(host["CapAdd"], json());
  EXPECT_EQ(host["Privileged"], false);
  EXPECT_EQ(host["PidsLimit"], 20);
  EXPECT_EQ(host["Memory"], 64 << 20);
  EXPECT_EQ(host["MemorySwap"], 64 << 20);
  EXPECT_EQ(host["NanoCpus"], 500000000);
  EXPECT_EQ(host["IpcMode"], "none");
  EXPECT_EQ(host["CgroupnsMode"], "private");
  EXPECT_EQ(host["NetworkMode"], "none");
  EXPECT_EQ(host["AutoRemove"], true);
  EXPECT_EQ(host["OomScoreAdj"], 7);
  EXPECT_EQ(host["MaskedPaths"], json(masked_paths()));
  EXPECT_EQ(host["ReadonlyPaths"], json(readonly_paths()));
  EXPECT_EQ(host["SecurityOpt"][0], "no-new-privileges");
  EXPECT_EQ(host["SecurityOpt"][1], "seccomp=" + wanted.docker_seccomp_json);
  EXPECT_EQ(host["Ulimits"][1]["Name"], "nofile");
  EXPECT_EQ(host["Ulimits"][1]["Hard"], 512);
  EXPECT_EQ(host["Tmpfs"]["/workspace"],
            "nosuid,nodev,noexec,rw,size=1048576,nr_inodes=16,mode=0700,uid=10001,gid=10002");
  std::map<std::string, bool> writable;
  for (const auto& mount : seen["Mounts"]) {
    if (mount["Type"] == "bind") writable[mount["Destination"]] = mount["RW"];
  }
  EXPECT_EQ(writable, (std::map<std::string, bool>{{"/caisson", false}, {"/run/caisson", true}}));
}

std::string end_after(Docker& test, std::string line) {
  auto work = [](Docker& fixture, std::string what) -> asio::awaitable<std::string> {
    auto container = co_await fixture.backend->start(fixture.spec(), Deadline::after(20s));
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

TEST_F(Docker, SaysWithWhichStatusInitExited) {
  EXPECT_EQ(end_after(*this, "exit 3"), "exited with status 3: famous last words");
}

TEST_F(Docker, SaysWhenTheKernelKilledForLackOfMemory) {
  EXPECT_EQ(end_after(*this, "eat"), "killed by the kernel for lack of memory: famous last words");
}

Error connect_error(Docker& test, ContainerSpec spec, Deadline deadline) {
  auto work = [](Docker& fixture, ContainerSpec wanted, Deadline limit) -> asio::awaitable<Error> {
    auto container = co_await fixture.backend->start(std::move(wanted), Deadline::after(20s));
    if (!container) co_return container.error();
    auto stream = co_await (*container)->connect(limit);
    co_await (*container)->kill(Deadline::after(10s));
    if (stream) co_return Error(Errc::io, "connected");
    co_return stream.error();
  };
  return run_coro(work(test, std::move(spec), deadline));
}

TEST_F(Docker, AnInitThatFailsIsQuotedToWhoeverConnects) {
  auto failing = spec();
  failing.argv = {"/caisson/init", "--fail"};
  const auto error = connect_error(*this, failing, Deadline::after(10s));
  EXPECT_EQ(error.code, Errc::closed);
  EXPECT_NE(error.message.find("status 7: echo_init: cannot go on"), std::string::npos)
      << error.message;
}

TEST_F(Docker, AnInitThatNeverListensRunsIntoTheDeadline) {
  auto silent = spec();
  silent.argv = {"/caisson/init", "--silent"};
  EXPECT_EQ(connect_error(*this, silent, Deadline::after(100ms)).code, Errc::timed_out);
}

TEST_F(Docker, AProgramThatIsNotThereIsNamedAndNothingIsLeft) {
  auto wrong = spec();
  wrong.argv = {"/caisson/nothing"};
  const auto error = connect_error(*this, wrong, Deadline::after(10s));
  EXPECT_NE(error.message.find("/caisson/nothing"), std::string::npos) << error.message;
}

TEST_F(Docker, AnUnknownRuntimeIsNamed) {
  auto wrong = spec();
  wrong.runtime = "no-such-runtime";
  const auto error = connect_error(*this, wrong, Deadline::after(10s));
  EXPECT_NE(error.message.find("no-such-runtime"), std::string::npos) << error.message;
}

TEST_F(Docker, AnImageThatIsNotThereIsSaidWithWhatToDo) {
  const auto image = run_coro(backend->find_image("caisson/none:latest", Deadline::after(5s)));
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, Errc::not_found);
  EXPECT_NE(image.error().message.find("images/python/build"), std::string::npos);
  EXPECT_NE(image.error().message.find("docker pull caisson/none:latest"), std::string::npos);
  const auto found = run_coro(backend->find_image(test::echo_image_name, Deadline::after(5s)));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->digest.starts_with("sha256:"));
}

TEST_F(Docker, AStartThatIsTooLateLeavesNothing) {
  const auto container = run_coro(backend->start(spec(), Deadline::after(30ms)));
  if (container) run_coro((*container)->kill(Deadline::after(10s)));
}

TEST_F(Docker, ACancelledStartLeavesNothing) {
  auto late = [](Docker& test) -> asio::awaitable<void> {
    const auto container = co_await with_timeout(
        test.backend->start(test.spec(), Deadline::after(20s)), Deadline::after(60ms));
    if (container && *container) co_await (**container)->kill(Deadline::after(10s));
  };
  run_coro(late(*this));
}

TEST_F(Docker, WithoutAChannelDirectoryTheChannelIsAttach) {
  auto work = [](Docker& test) -> asio::awaitable<void> {
    auto wanted = test.spec();
    use_stdio_channel(wanted);
    auto container = co_await test.backend->start(wanted, Deadline::after(20s));
    if (!container) {
      ADD_FAILURE() << container.error().message;
      co_return;
    }
    auto first = co_await (*container)->connect(Deadline::after(5s));
    EXPECT_EQ(co_await ask(**first, "echo first"), "first");
    EXPECT_EQ(co_await ask(**first, "say aside"), "said");
    (*first)->close();
    auto second = co_await (*container)->connect(Deadline::after(5s));
    EXPECT_EQ(co_await ask(**second, "echo second"), "second");
    (*second)->close();
    co_await (*container)->kill(Deadline::after(10s));
  };
  run_coro(work(*this));
}

void remove_guest_volumes(DockerBackend& backend) {
  const auto filter = percent_encoded(R"({"label":["org.caisson.guest"]})");
  const auto volumes = run_coro(
      backend.api().call("GET", "/volumes?filters=" + filter, json(), Deadline::after(5s)));
  ASSERT_TRUE(volumes);
  EXPECT_EQ((*volumes)["Volumes"].size(), 1U);
  for (const auto& volume : (*volumes)["Volumes"]) {
    const auto path = "/volumes/" + volume["Name"].get<std::string>();
    const auto removed = run_coro(backend.api().call("DELETE", path, json(), Deadline::after(5s)));
    EXPECT_TRUE(removed) << removed.error().message;
  }
}

TEST_F(Docker, TheGuestsFilesCanComeByVolume) {
  auto wanted = spec();
  wanted.guest_delivery = ContainerSpec::GuestDelivery::volume;
  const auto said = ask_all(wanted, {"echo by volume", "write 10 /caisson/a"});
  EXPECT_EQ(said[0], "by volume");
  EXPECT_EQ(said[1], "error: Read-only file system");
  remove_guest_volumes(*backend);
}

asio::awaitable<std::string> ask_far_daemon(Docker& test, std::string path) {
  auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::acceptor acceptor(executor, {asio::ip::address_v4::loopback(), 0});
  HttpTarget target;
  target.host = "127.0.0.1";
  target.port = acceptor.local_endpoint().port();
  Nursery relays(executor);
  relays.start(test::relay_connections(acceptor, path));
  std::string said;
  {
    DockerBackend far(target);
    auto proxied = test.spec();
    proxied.proxy = true;
    const auto refused = co_await far.start(proxied, Deadline::after(20s));
    EXPECT_TRUE(!refused && refused.error().code == Errc::unsupported);
    auto container = co_await far.start(test.spec(), Deadline::after(20s));
    if (container) {
      auto stream = co_await (*container)->connect(Deadline::after(10s));
      said = stream ? co_await ask(**stream, "echo from afar") : stream.error().message;
      co_await (*container)->kill(Deadline::after(10s));
    } else {
      said = container.error().message;
    }
  }
  acceptor.close();
  co_await relays.join();
  co_return said;
}

TEST_F(Docker, ADaemonBehindTcpNeedsNoSharedFiles) {
  const auto& target = *shared->daemon->target();
  if (target.transport != HttpTarget::Transport::unix_socket) {
    GTEST_SKIP() << "the daemon of these tests is not on a unix socket";
  }
  EXPECT_EQ(run_coro(ask_far_daemon(*this, target.unix_path)), "from afar");
  remove_guest_volumes(*backend);
}

TEST_F(Docker, AnotherProcessAttachesToWhatRuns) {
  auto abandon = [](Docker& test) -> asio::awaitable<void> {
    auto container = co_await test.backend->start(test.spec(), Deadline::after(20s));
    EXPECT_TRUE(container);
  };
  run_coro(abandon(*this));
  DockerBackend next(*shared->daemon->target());
  const auto channel = (shared->files->path() / "channel").string();
  auto go_on = [&]() -> asio::awaitable<void> {
    auto container = co_await next.attach(id, channel, Deadline::after(10s));
    EXPECT_TRUE(container) << container.error().message;
    if (!container) co_return;
    EXPECT_EQ((*container)->id(), id);
    auto stream = co_await (*container)->connect(Deadline::after(10s));
    EXPECT_TRUE(stream);
    if (stream) EXPECT_EQ(co_await ask(**stream, "echo alive"), "alive");
    co_await (*container)->kill(Deadline::after(10s));
    EXPECT_FALSE((co_await (*container)->wait_end()).empty());
    const auto gone = co_await next.attach(id, channel, Deadline::after(10s));
    EXPECT_FALSE(gone);
    if (!gone) EXPECT_EQ(gone.error().code, Errc::closed);
  };
  run_coro(go_on());
}

TEST_F(Docker, AnOrchestratorThatStartsAgainFindsAndRemovesWhatIsLeft) {
  auto abandon = [](Docker& test) -> asio::awaitable<void> {
    auto container = co_await test.backend->start(test.spec(), Deadline::after(20s));
    EXPECT_TRUE(container);
    if (container) EXPECT_TRUE(co_await (*container)->connect(Deadline::after(10s)));
  };
  run_coro(abandon(*this));
  DockerBackend next(*shared->daemon->target());
  EXPECT_EQ(run_coro(next.list(Deadline::after(5s))).value(), std::vector<std::string>{id});
  EXPECT_TRUE(run_coro(next.remove(id, Deadline::after(10s))));
  fs::remove(shared->files->path() / "channel" / "channel.sock");
}

TEST_F(Docker, ANameThatIsTakenIsNotRemoved) {
  auto work = [](Docker& test) -> asio::awaitable<void> {
    auto container = co_await test.backend->start(test.spec(), Deadline::after(20s));
    EXPECT_TRUE(container);
    const auto again = co_await test.backend->start(test.spec(), Deadline::after(20s));
    EXPECT_FALSE(again);
    if (!again) EXPECT_EQ(again.error().code, Errc::bad_input) << again.error().message;
    auto stream = co_await (*container)->connect(Deadline::after(10s));
    EXPECT_EQ(co_await ask(**stream, "echo alive"), "alive");
    co_await (*container)->kill(Deadline::after(10s));
  };
  run_coro(work(*this));
}

}  // namespace
}  // namespace caisson
