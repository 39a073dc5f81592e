#include "orchestrator/cli/input_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

#include "sandbox/base/result.h"

namespace caisson {

namespace asio = boost::asio;

namespace {

// Asio makes what it waits for non-blocking. On a terminal that is the descriptor of our output
// too, and of the shell that comes after us.
class Blocking {
 public:
  Blocking() : flags_(::fcntl(STDIN_FILENO, F_GETFL)) {}
  ~Blocking() { ::fcntl(STDIN_FILENO, F_SETFL, flags_); }
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

 private:
  const int flags_;
};

}  // namespace

asio::awaitable<void> InputLines::wait_for_input() {
  const Blocking restore;
  asio::posix::stream_descriptor input(co_await asio::this_coro::executor);
  boost::system::error_code error;
  const int copy = ::dup(STDIN_FILENO);
  input.assign(copy, error);
  if (error) {
    // A file: it never makes us wait, and epoll refuses it.
    ::close(copy);
    co_return;
  }
  co_await input.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
}

asio::awaitable<std::optional<std::string>> InputLines::next() {
  for (;;) {
    const auto end = buffer_.find('\n');
    if (end != std::string::npos || buffer_.size() >= max_line) {
      auto line = buffer_.substr(0, std::min(end, buffer_.size()));
      buffer_.erase(0, end == std::string::npos ? line.size() : end + 1);
      co_return line;
    }
    if (ended_) {
      if (buffer_.empty()) co_return std::nullopt;
      co_return std::exchange(buffer_, {});
    }
    co_await wait_for_input();
    std::array<char, 65536> piece;
    const auto got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) throw Fault(std::string("standard input: ") + std::strerror(errno));
    ended_ = got == 0;
    buffer_.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace caisson
