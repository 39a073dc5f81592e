#include "tests/support/process_backend.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <fstream>

#include "sandbox/base/async.h"
#include "sandbox/base/process.h"

namespace caisson::test {
namespace {

using namespace std::chrono_literals;

class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(asio::local::stream_protocol::socket socket) : socket_(std::move(socket)) {}
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer buffer) override {
    boost::system::error_code error;
    const auto got = co_await socket_.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error && error != asio::error::eof) throw boost::system::system_error(error);
    co_return got;
  }
  asio::awaitable<void> write(asio::const_buffer bytes) override {
    co_await asio::async_write(socket_, bytes, asio::use_awaitable);
  }
  void close() override { socket_.close(); }

 private:
  asio::local::stream_protocol::socket socket_;
};

class ProcessContainer final : public Container {
 public:
  // `init`: a pidfd.
  ProcessContainer(std::string id, std::string socket, OwnedFd init)
      : id_(std::move(id)), socket_(std::move(socket)), init_(std::move(init)) {}
  const std::string& id() const override { return id_; }
  asio::awaitable<void> lift_cpu_limit(bool) override { co_return; }
  asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(Deadline deadline) override {
    while (!deadline.passed()) {
      asio::local::stream_protocol::socket socket(co_await asio::this_coro::executor);
      boost::system::error_code error;
      socket.connect(asio::local::stream_protocol::endpoint(socket_), error);
      if (!error) co_return std::make_unique<SocketStream>(std::move(socket));
      co_await sleep_for(1ms);
    }
    co_return Error(Errc::timed_out, "init does not listen");
  }
  asio::awaitable<void> kill(Deadline) override {
    // SIGTERM: init ends its children first. As a plain process it is not their PID 1.
    ::syscall(SYS_pidfd_send_signal, init_.get(), SIGTERM, nullptr, 0);
    co_await wait_end();
  }
  asio::awaitable<std::string> wait_end() override {
    asio::posix::stream_descriptor ended(co_await asio::this_coro::executor, ::dup(init_.get()));
    co_await ended.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
    siginfo_t info{};
    // Fails when it is not our child, or has been reaped by another one who waited.
    ::waitid(P_PIDFD, static_cast<id_t>(init_.get()), &info, WEXITED | WNOHANG);
    co_return info.si_code == CLD_EXITED ? "exited with status " + std::to_string(info.si_status)
                                         : "killed";
  }

 private:
  const std::string id_;
  const std::string socket_;
  OwnedFd init_;
};

// Of a process that lives.
OwnedFd open_pid(pid_t pid) {
  OwnedFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd waiting{.fd = fd.get(), .events = POLLIN, .revents = 0};
  if (fd && ::poll(&waiting, 1, 0) != 0) fd.reset();
  return fd;
}

}  // namespace

std::filesystem::path guest_dir() {
  return std::filesystem::path(CAISSON_BINARY_DIR) / "guest";
}

asio::awaitable<Result<std::string>> ProcessBackend::probe(Deadline) {
  co_return "plain processes";
}

asio::awaitable<Result<ImageInfo>> ProcessBackend::find_image(std::string reference, Deadline) {
  co_return ImageInfo{reference, "none"};
}

asio::awaitable<Result<std::string>> ProcessBackend::provide_image(StoredImage image, Deadline) {
  co_return image.root_dir;
}

asio::awaitable<Result<std::unique_ptr<Container>>> ProcessBackend::start(ContainerSpec spec,
                                                                          Deadline) {
  const auto socket = spec.channel_dir + "/channel.sock";
  Command command;
  command.argv = {spec.guest_dir + "/init", "--listen", socket, "--allow-any-peer"};
  command.err = 2;
  auto init = spawn(command);
  if (!init) co_return init.error();
  last_pid_ = init->pid();
  inits_[spec.id] = last_pid_;
  std::ofstream(spec.channel_dir + "/../init.pid") << last_pid_;
  co_return std::make_unique<ProcessContainer>(spec.id, socket, init->release());
}

asio::awaitable<Result<std::unique_ptr<Container>>> ProcessBackend::attach(std::string id,
                                                                           std::string channel_dir,
                                                                           Deadline) {
  pid_t pid = 0;
  std::ifstream(channel_dir + "/../init.pid") >> pid;
  auto init = pid > 1 ? open_pid(pid) : OwnedFd();
  if (!init) co_return Error(Errc::closed, "its init has ended");
  co_return std::make_unique<ProcessContainer>(std::move(id), channel_dir + "/channel.sock",
                                               std::move(init));
}

std::map<std::string, std::string> ProcessBackend::missing_guarantees(const ContainerSpec&) const {
  return {{"container", "off: plain processes, for tests"}};
}

asio::awaitable<Result<std::vector<std::string>>> ProcessBackend::list(Deadline) {
  std::vector<std::string> ids;
  for (const auto& [id, pid] : inits_) {
    if (open_pid(pid)) ids.push_back(id);
  }
  co_return ids;
}

asio::awaitable<Result<void>> ProcessBackend::remove(std::string id, Deadline deadline) {
  auto init = inits_.contains(id) ? open_pid(inits_[id]) : OwnedFd();
  inits_.erase(id);
  if (!init) co_return Error(Errc::not_found, "there is no container '" + id + "'");
  co_await ProcessContainer(id, "", std::move(init)).kill(deadline);
  co_return boost::system::in_place_value;
}

}  // namespace caisson::test
