// Lines of standard input as they come, without blocking the event loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

namespace caisson {

class InputLines {
 public:
  // The next line without its end; nothing at the end of input. A line of more than `max_line`
  // bytes comes in pieces. Cancellation: nothing is lost. Throws Fault when input cannot be read.
  boost::asio::awaitable<std::optional<std::string>> next();

  static constexpr std::size_t max_line = 1 << 20;

 private:
  boost::asio::awaitable<void> wait_for_input();

  std::string buffer_;
  bool ended_ = false;
};

}  // namespace caisson
