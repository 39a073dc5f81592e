// The small parts of the backends: Docker's environment, attach framing, cgroup files, last words.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "sandbox/container/cgroup.h"
#include "sandbox/container/docker.h"
#include "sandbox/container/docker_attach.h"
#include "sandbox/container/select.h"
#include "sandbox/container/tar.h"
#include "sandbox/container/words.h"
#include "tests/sandbox/container/echo_container.h"
#include "tests/support/byte_server.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using test::run_coro;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace fs = std::filesystem;

TEST(DockerTarget, FollowsTheEnvironment) {
  EXPECT_EQ(docker_target({})->unix_path, "/var/run/docker.sock");
  EXPECT_EQ(docker_target({"unix:///x/y.sock", "", ""})->unix_path, "/x/y.sock");
  const auto plain = docker_target({"tcp://10.0.0.1", "", ""});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->transport, HttpTarget::Transport::tcp);
  EXPECT_EQ(plain->port, 2375);
  EXPECT_EQ(docker_target({"tcp://10.0.0.1:99", "", ""})->port, 99);
}

TEST(DockerTarget, SaysWhatIsWrongWithWhichVariable) {
  EXPECT_EQ(docker_target({"ssh://me@host", "", ""}).error().code, Errc::unsupported);
  EXPECT_NE(docker_target({"docker.sock", "", ""}).error().message.find("DOCKER_HOST=docker.sock"),
            std::string::npos);
  EXPECT_NE(docker_target({"tcp://h:1", "", "1"}).error().message.find("DOCKER_CERT_PATH"),
            std::string::npos);
  EXPECT_NE(
      docker_target({"tcp://h:1", "/nonexistent", "1"}).error().message.find("/nonexistent/ca.pem"),
      std::string::npos);
}

TEST(DockerBackend, ADaemonThatIsNotThereIsSaidWithWhatToDo) {
  DockerBackend backend(*docker_target({"unix:///nonexistent/docker.sock", "", ""}));
  const auto ready = run_coro(backend.probe(Deadline::after(5s)));
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, Errc::unavailable);
  for (const char* words :
       {"/nonexistent/docker.sock", "systemctl start docker", "--backend runc"}) {
    EXPECT_NE(ready.error().message.find(words), std::string::npos) << words;
  }
}

Result<std::string> probe_answered(std::string body) {
  asio::io_context loop(1);
  test::ByteServer server(loop, test::answer("HTTP/1.1 200 OK\r\nContent-Length: " +
                                             std::to_string(body.size()) + "\r\n\r\n" + body));
  HttpTarget target;
  target.host = "127.0.0.1";
  target.port = server.port();
  DockerBackend backend(target);
  return run_coro(loop, backend.probe(Deadline::after(5s)));
}

TEST(DockerBackend, AnOldDaemonIsRefusedByItsVersion) {
  const auto ready = probe_answered(R"({"Version":"18.09","ApiVersion":"1.39"})");
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, Errc::unsupported);
  EXPECT_NE(ready.error().message.find("API 1.39 where 1.41 is needed"), std::string::npos);
}

TEST(DockerBackend, SomethingElseThanDockerIsSaid) {
  const auto ready = probe_answered("<html>hello</html>");
  ASSERT_FALSE(ready);
  EXPECT_NE(ready.error().message.find("not as a Docker daemon"), std::string::npos);
}

TEST(ChooseBackend, RefusesAnUnknownName) {
  BackendSettings settings;
  settings.wanted = "podman";
  const auto chosen = run_coro(choose_backend(std::move(settings), Deadline::after(5s)));
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().code, Errc::bad_input);
  EXPECT_EQ(chosen.error().message, "'podman' is not a backend: auto, docker, runc or crun");
}

TEST(ChooseBackend, WithoutAnyTheReasonsOfBothAreGiven) {
  BackendSettings settings;
  settings.docker.host = "unix:///nonexistent/docker.sock";
  settings.runc.program = "no-such-runc";
  const auto chosen = run_coro(choose_backend(std::move(settings), Deadline::after(5s)));
  ASSERT_FALSE(chosen);
  EXPECT_NE(chosen.error().message.find("Docker does not answer"), std::string::npos);
  EXPECT_NE(chosen.error().message.find("no-such-runc"), std::string::npos);
}

std::string frame(char stream, std::string text) {
  std::string all{stream, 0, 0, 0, 0, 0, 0, static_cast<char>(text.size())};
  return all + text;
}

// Content by stream, with the input cut into pieces of this size.
std::map<int, std::string> decode(const std::string& bytes, std::size_t size, bool& broken) {
  AttachDecoder decoder;
  std::map<int, std::string> content;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    std::string_view input = std::string_view(bytes).substr(at, size);
    while (const auto piece = decoder.next(input)) content[piece->stream] += piece->bytes;
  }
  broken = decoder.broken();
  return content;
}

TEST(AttachDecoder, SeparatesStreamsUnderEverySplit) {
  const auto bytes = frame(1, "out") + frame(2, "err") + frame(1, "") + frame(1, "put");
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    bool broken = false;
    const auto content = decode(bytes, size, broken);
    EXPECT_FALSE(broken);
    EXPECT_EQ(content, (std::map<int, std::string>{{1, "output"}, {2, "err"}})) << size;
  }
}

TEST(AttachDecoder, RefusesWhatIsNoFrame) {
  bool broken = false;
  decode("HTTP/1.1 200 OK\r\n", 1, broken);
  EXPECT_TRUE(broken);
}

TEST(Cgroup, IsFoundInEveryHierarchyAndSwept) {
  test::TemporaryDirectory files;
  for (const char* controller : {"memory", "pids"}) {
    fs::create_directories(files.path() / controller / "caisson-1");
    std::ofstream(files.path() / controller / "cgroup.procs");
  }
  std::ofstream(files.path() / "memory/caisson-1/memory.oom_control")
      << "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
  EXPECT_EQ(find_cgroups("caisson-1", files.path()).size(), 2U);
  EXPECT_EQ(cgroups_with_prefix("caisson-", files.path()), std::vector<std::string>{"caisson-1"});
  EXPECT_EQ(oom_kills("caisson-1", files.path()), 2U);
  EXPECT_FALSE(sweep_cgroups("caisson-1", files.path())) << "a file is in the way";
  fs::remove(files.path() / "memory/caisson-1/memory.oom_control");
  EXPECT_TRUE(sweep_cgroups("caisson-1", files.path()));
  EXPECT_TRUE(find_cgroups("caisson-1", files.path()).empty());
}

TEST(Words, DescribeEveryEnd) {
  EXPECT_EQ(describe({.code = 3, .signal = 0, .oom_kills = 0, .last_words = "no"}),
            "exited with status 3: no");
  EXPECT_EQ(describe({.code = 0, .signal = 11, .oom_kills = 0, .last_words = ""}),
            "killed by SIGSEGV");
  EXPECT_EQ(describe({.code = 0, .signal = 9, .oom_kills = 1, .last_words = ""}),
            "killed by the kernel for lack of memory");
  EXPECT_EQ(describe({.code = -1, .signal = 0, .oom_kills = 0, .last_words = ""}), "ended");
}

TEST(Words, TakeTheLastLineWithoutControlCharacters) {
  EXPECT_EQ(last_line("one\ntwo\x1b[31m\n\n"), "two[31m");
  EXPECT_EQ(last_line("\n \n"), "");
  EXPECT_EQ(last_line(""), "");
}

TEST(Tar, EqualContentGivesEqualBytes) {
  test::TemporaryDirectory one;
  test::TemporaryDirectory other;
  for (const auto* files : {&one, &other}) {
    fs::create_directories(files->path() / "worker");
    std::ofstream(files->path() / "worker/main.py") << "print(1)\n";
    std::ofstream(files->path() / "init") << "x";
  }
  const auto tar = make_tar(one.path().string());
  ASSERT_TRUE(tar);
  EXPECT_EQ(tar->size() % 512, 0U);
  EXPECT_EQ(*tar, *make_tar(other.path().string()));
  std::ofstream(other.path() / "init") << "y";
  EXPECT_NE(sha256_hex(*tar), sha256_hex(*make_tar(other.path().string())));
  EXPECT_EQ(make_tar("/nonexistent").error().code, Errc::io);
}

}  // namespace
}  // namespace caisson
