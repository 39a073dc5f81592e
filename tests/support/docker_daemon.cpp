#include "tests/support/docker_daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "sandbox/base/async.h"
#include "sandbox/container/docker_api.h"
#include "tests/support/run_coro.h"

namespace caisson::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

asio::awaitable<bool> answers(HttpTarget target, Deadline deadline) {
  for (;;) {
    HttpRequest ping;
    ping.target = "/_ping";
    const auto pong = co_await http_fetch(target, ping, Deadline::after(5s).sooner(deadline));
    if (pong && pong->status == 200) co_return true;
    if (deadline.passed()) co_return false;
    co_await sleep_for(20ms);
  }
}

// The mounts beneath a directory, the deepest first.
std::vector<std::string> mounts_beneath(const fs::path& directory) {
  std::ifstream table("/proc/self/mounts");
  std::vector<std::string> found;
  std::string device;
  std::string place;
  for (std::string rest; table >> device >> place && std::getline(table, rest);) {
    if (place.starts_with(directory.string() + "/")) found.push_back(place);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace

DockerDaemon::DockerDaemon() {
  const DockerEnvironment environment{variable("DOCKER_HOST"), variable("DOCKER_CERT_PATH"),
                                      variable("DOCKER_TLS_VERIFY")};
  if (auto running = docker_target(environment);
      running && run_coro(answers(*running, Deadline::after(0s)))) {
    target_ = *running;
    return;
  }
  if (::geteuid() != 0) {
    why_not_ = "no Docker daemon answers, and starting one needs root";
    return;
  }
  start();
}

void DockerDaemon::start() {
  auto name = (fs::temp_directory_path() / "caisson-docker-XXXXXX").string();
  const fs::path directory = ::mkdtemp(name.data());
  const auto socket = (directory / "docker.sock").string();
  const OwnedFd log(::open((directory / "log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Command command;
  // The default bridge is left to it: --bridge=none would take docker0 away from another daemon.
  // The firewall and forwarding of this host are none of its business.
  command.argv = {"dockerd",
                  "--host=unix://" + socket,
                  "--data-root=" + (directory / "data").string(),
                  "--exec-root=" + (directory / "exec").string(),
                  "--pidfile=" + (directory / "pid").string(),
                  "--iptables=false",
                  "--ip6tables=false",
                  "--ip-forward=false"};
  command.out = command.err = log.get();
  auto child = spawn(command);
  directory_ = directory;
  if (!child) {
    why_not_ = child.error().message;
    return;
  }
  process_ = std::move(*child);
  HttpTarget target;
  target.transport = HttpTarget::Transport::unix_socket;
  target.host = "localhost";
  target.unix_path = socket;
  if (run_coro(answers(target, Deadline::after(30s)))) {
    target_ = target;
    return;
  }
  std::ifstream said(directory / "log");
  why_not_ = "dockerd did not come up: " + std::string(std::istreambuf_iterator<char>(said), {});
}

DockerDaemon::~DockerDaemon() {
  if (directory_.empty()) return;
  if (process_) {
    process_->signal(SIGTERM);
    run_coro(with_timeout(process_->wait(), Deadline::after(20s)));
    process_.reset();
  }
  for (const auto& mount : mounts_beneath(directory_)) ::umount2(mount.c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

}  // namespace caisson::test
