#include "sandbox/container/oci_container.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <fstream>

#include "sandbox/base/async.h"
#include "sandbox/container/cgroup.h"
#include "sandbox/container/channel.h"
#include "sandbox/container/oci_config.h"
#include "sandbox/container/words.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

bool state_is_left(const OciPlace& place) {
  std::error_code error;
  return std::filesystem::exists(place.root / place.id, error);
}

// The init that the runtime wrote down, killed, as a pidfd that is checked to be a container's: a
// number in a file may long since belong to somebody else. Nothing when there is none.
OwnedFd kill_written_init(const OciPlace& place) {
  pid_t pid = 0;
  std::ifstream(place.bundle / "pid") >> pid;
  if (pid <= 1) return OwnedFd();
  OwnedFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return process;
  std::ifstream groups(fmt::format("/proc/{}/cgroup", pid));
  bool ours = false;
  for (std::string line; std::getline(groups, line);) {
    ours = ours || line.find("/" + cgroup_name(place.id)) != std::string::npos;
  }
  if (!ours) return OwnedFd();
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  return process;
}

// The first process of a PID namespace of its own: "NSpid: 4711 1".
bool is_namespace_init(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("NSpid:")) {
      return line.ends_with("\t1") && line.find('\t') != line.rfind('\t');
    }
  }
  return false;
}

// Whether it is dead; reaps it when it is a child of ours.
bool is_gone(const OwnedFd& process) {
  if (!process) return true;
  pollfd waiting{.fd = process.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 0) != 1) return false;
  siginfo_t info{};
  ::waitid(P_PIDFD, static_cast<id_t>(process.get()), &info, WEXITED | WNOHANG);
  return true;
}

}  // namespace

std::vector<std::string> OciPlace::command(std::vector<std::string> rest) const {
  std::vector<std::string> argv{program, "--root", root.string()};
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

pid_t find_init(const OciPlace& place, OwnedFd& pidfd) {
  pid_t pid = 0;
  std::ifstream(place.bundle / "pid") >> pid;
  if (pid <= 1) return 0;
  // The descriptor first: what is looked at afterwards is this process or none.
  pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd waiting{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  if (!pidfd || ::poll(&waiting, 1, 0) != 0) return 0;
  ::fcntl(pidfd.get(), F_SETFD, FD_CLOEXEC);
  // Rootless containers have no cgroup to tell them by. Who connects checks that this process is
  // the one that listens in the container's directory.
  return is_namespace_init(pid) ? pid : 0;
}

asio::awaitable<std::string> remove_oci(OciPlace place, Deadline deadline) {
  const OwnedFd init = kill_written_init(place);
  std::string problem;
  const std::string group = cgroup_name(place.id);
  for (auto pause = 1ms;; pause = std::min(pause * 2, 50ms)) {
    if (state_is_left(place)) {
      Command command;
      // Without --force the runtime does not wait; with it runc sleeps 100 ms before it looks.
      command.argv = place.command({"delete", place.id});
      if (pause > 4ms) command.argv = place.command({"delete", "--force", place.id});
      auto done = co_await run(command, deadline);
      if (!done) {
        problem = done.error().message;
      } else if (!done->status.ok()) {
        problem = last_line(done->err);
      }
    }
    const bool swept = sweep_cgroups(group);
    if (is_gone(init) && swept && !state_is_left(place)) break;
    if (deadline.passed()) {
      co_return fmt::format("{} still has {} of container {}{}", place.program,
                            swept ? "state" : "cgroups", place.id,
                            problem.empty() ? "" : ": " + problem);
    }
    co_await sleep_for(pause);
  }
  std::error_code error;
  std::filesystem::remove_all(place.bundle, error);
  if (error) co_return fmt::format("cannot remove {}: {}", place.bundle.string(), error.message());
  co_return "";
}

// Reaps init when it is a child of ours. Several coroutines may ask; the first one that finds it
// dead keeps what it learns.
bool OciContainer::has_ended() {
  if (status_) return true;
  pollfd waiting{.fd = parts_.init_fd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 0) != 1) return false;
  siginfo_t info{};
  ExitStatus status;
  if (::waitid(P_PIDFD, static_cast<id_t>(parts_.init_fd.get()), &info, WEXITED) == 0) {
    (info.si_code == CLD_EXITED ? status.code : status.signal) = info.si_status;
  } else {
    status.code = -1;  // not our child: nobody tells
  }
  status_ = status;
  oom_kills_ = oom_kills(cgroup_name(parts_.place.id));
  if (parts_.words) last_words_ = read_last_words(parts_.words.get());
  return true;
}

asio::awaitable<bool> OciContainer::init_ended() {
  asio::posix::stream_descriptor ended(co_await asio::this_coro::executor,
                                       ::dup(parts_.init_fd.get()));
  co_await ended.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
  co_return has_ended();
}

std::string OciContainer::describe_end() {
  return describe({.code = status_->code,
                   .signal = status_->signal,
                   .oom_kills = oom_kills_,
                   .last_words = last_words_});
}

asio::awaitable<Result<std::unique_ptr<ByteStream>>> OciContainer::connect(Deadline deadline) {
  if (removed_) co_return Error(Errc::closed, "the container has been removed");
  if (parts_.channel_dir.empty()) {
    if (has_ended()) co_return Error(Errc::closed, "the container has ended: " + describe_end());
    OwnedFd copy(::fcntl(parts_.stdio.get(), F_DUPFD_CLOEXEC, 0));
    co_return co_await make_socket_stream(std::move(copy));
  }
  EndedCheck ended = [this]() -> asio::awaitable<std::string> {
    co_return has_ended() ? describe_end() : "";
  };
  co_return co_await connect_channel(parts_.channel_dir, parts_.init, std::move(ended), deadline);
}

asio::awaitable<void> OciContainer::lift_cpu_limit(bool lifted) {
  const auto group = cgroup_name(parts_.place.id);
  if (lifted && quota_.empty()) {
    quota_ = lift_cpu_quota(group);
  } else if (!lifted) {
    set_cpu_quota(group, std::exchange(quota_, ""));
  }
  co_return;
}

asio::awaitable<void> OciContainer::kill(Deadline deadline) {
  if (removed_) co_return;
  // Dying takes CPU time too: giving back much memory, above all.
  co_await lift_cpu_limit(true);
  // The kernel ends every process of a PID namespace with its init.
  ::syscall(SYS_pidfd_send_signal, parts_.init_fd.get(), SIGKILL, nullptr, 0);
  const auto ended = co_await with_timeout(init_ended(), deadline);
  if (!ended) {
    throw Fault(
        fmt::format("the init of container {} (process {}) cannot be killed", id(), parts_.init));
  }
  const auto left = co_await remove_oci(parts_.place, deadline);
  if (!left.empty()) throw Fault(left);
  if (!parts_.channel_dir.empty()) clear_channel(parts_.channel_dir);
  parts_.stdio.reset();
  removed_ = true;
}

asio::awaitable<std::string> OciContainer::wait_end() {
  if (!has_ended()) co_await init_ended();
  co_return describe_end();
}

}  // namespace caisson
