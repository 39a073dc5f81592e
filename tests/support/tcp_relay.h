// Makes a unix socket reachable by TCP, as a far daemon is.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <string>

#include "sandbox/base/async.h"
#include "sandbox/base/nursery.h"

namespace caisson::test {

asio::awaitable<void> pump(auto& from, auto& to) {
  std::array<char, 16384> piece;
  for (;;) {
    boost::system::error_code error;
    const auto got = co_await from.async_read_some(
        asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    co_await asio::async_write(to, asio::buffer(piece, got),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
  }
  boost::system::error_code ignored;
  to.shutdown(asio::socket_base::shutdown_send, ignored);
}

inline asio::awaitable<void> relay(asio::ip::tcp::socket client, std::string path) {
  auto executor = co_await asio::this_coro::executor;
  asio::local::stream_protocol::socket daemon(executor);
  co_await daemon.async_connect(path, asio::use_awaitable);
  Nursery both(executor);
  both.start(pump(client, daemon));
  both.start(pump(daemon, client));
  co_await both.join();
}

// Until the acceptor is closed.
inline asio::awaitable<void> relay_connections(asio::ip::tcp::acceptor& acceptor,
                                               std::string path) {
  Nursery relays(co_await asio::this_coro::executor);
  for (;;) {
    boost::system::error_code error;
    auto client = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    relays.start(relay(std::move(client), path));
  }
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await relays.join();
}

}  // namespace caisson::test
