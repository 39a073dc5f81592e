#include "sandbox/container/channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "sandbox/base/async.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(asio::local::stream_protocol::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<std::size_t> read_some(asio::mutable_buffer buffer) override {
    boost::system::error_code error;
    const auto got =
        co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::eof) co_return 0;
    if (error) throw boost::system::system_error(error);
    co_return got;
  }

  asio::awaitable<void> write(asio::const_buffer bytes) override {
    co_await asio::async_write(socket_, bytes, asio::use_awaitable);
  }

  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::local::stream_protocol::socket socket_;
};

Error cannot(const std::string& channel_dir) {
  return Error(Errc::io, fmt::format("the channel in {}: {}", channel_dir, std::strerror(errno)));
}

}  // namespace

asio::awaitable<std::unique_ptr<ByteStream>> make_socket_stream(OwnedFd socket) {
  asio::local::stream_protocol::socket native(co_await asio::this_coro::executor,
                                              asio::local::stream_protocol(), socket.release());
  co_return std::make_unique<SocketStream>(std::move(native));
}

Result<OwnedFd> try_channel(const std::string& channel_dir, pid_t init, const char* name) {
  const OwnedFd directory(
      ::open(channel_dir.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return cannot(channel_dir);
  const OwnedFd file(::openat(directory.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return OwnedFd();
    return cannot(channel_dir);
  }
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return cannot(channel_dir);
  if (!S_ISSOCK(facts.st_mode)) {
    return Error(Errc::protocol, "the guest has put something else in the place of its socket");
  }
  OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return cannot(channel_dir);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // By descriptor: it is exactly what was looked at, and no path is too long for sun_path.
  const auto path = fmt::format("/proc/self/fd/{}", file.get());
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  // Not blocking: EAGAIN is a full backlog, which a guest that replaced the socket can arrange.
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ECONNREFUSED || errno == EAGAIN) return OwnedFd();
    return cannot(channel_dir);
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return cannot(channel_dir);
  }
  // 0: a process that this PID namespace does not have (Docker outside of our own container).
  if (init != 0 && peer.pid != 0 && peer.pid != init) {
    return Error(
        Errc::protocol,
        fmt::format("process {} listens in the place of the container's init {}", peer.pid, init));
  }
  return socket;
}

asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect_channel(std::string channel_dir,
                                                                     pid_t init, EndedCheck ended,
                                                                     Deadline deadline) {
  for (;;) {
    auto socket = try_channel(channel_dir, init);
    if (!socket) co_return socket.error();
    if (*socket) co_return co_await make_socket_stream(std::move(*socket));
    const auto end = co_await ended();
    if (!end.empty()) {
      co_return Error(Errc::closed, "the container ended before its init listened: " + end);
    }
    if (deadline.passed()) {
      co_return Error(Errc::timed_out, "the container's init did not listen in time");
    }
    co_await sleep_for(1ms);
  }
}

void clear_channel(const std::string& channel_dir) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(channel_dir, error)) {
    std::error_code ignored;
    // Does not follow links.
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace caisson
