// A server on loopback for one connection: reads a request, writes what the test says, byte by byte
// or at once, and closes or stays silent.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <future>
#include <string>

namespace caisson::test {

class ByteServer {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Script = std::function<boost::asio::awaitable<void>(ByteServer&, Socket&)>;

  ByteServer(boost::asio::io_context& loop, Script script)
      : acceptor_(loop, {boost::asio::ip::address_v4::loopback(), 0}) {
    done_ = boost::asio::co_spawn(loop, serve(std::move(script)), boost::asio::use_future);
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  const std::string& request() const { return request_; }
  bool client_left() const { return client_left_; }

  // Until the blank line behind the headers and `body` bytes more.
  boost::asio::awaitable<void> read_request(Socket& socket, std::size_t body = 0) {
    std::string all;
    for (;;) {
      const auto end = all.find("\r\n\r\n");
      if (end != std::string::npos && all.size() >= end + 4 + body) break;
      char piece[4096];
      auto [error, got] = co_await socket.async_read_some(
          boost::asio::buffer(piece), boost::asio::as_tuple(boost::asio::use_awaitable));
      if (error) break;
      all.append(piece, got);
    }
    request_ = all;
  }

  // Waits until the client has closed the connection.
  boost::asio::awaitable<void> wait_for_close(Socket& socket) {
    for (;;) {
      char piece[4096];
      auto [error, got] = co_await socket.async_read_some(
          boost::asio::buffer(piece), boost::asio::as_tuple(boost::asio::use_awaitable));
      if (error) break;
    }
    client_left_ = true;
  }

 private:
  boost::asio::awaitable<void> serve(Script script) {
    auto socket = co_await acceptor_.async_accept(boost::asio::use_awaitable);
    socket.set_option(boost::asio::ip::tcp::no_delay(true));
    co_await script(*this, socket);
  }

  boost::asio::ip::tcp::acceptor acceptor_;
  std::string request_;
  bool client_left_ = false;
  std::future<void> done_;
};

// The usual script: one request, one answer, close.
inline ByteServer::Script answer(std::string bytes, std::size_t piece = std::string::npos) {
  return [bytes = std::move(bytes), piece](
             ByteServer& server, ByteServer::Socket& socket) -> boost::asio::awaitable<void> {
    co_await server.read_request(socket);
    for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size())) {
      const auto part = bytes.substr(at, piece);
      auto [error, sent] = co_await boost::asio::async_write(
          socket, boost::asio::buffer(part), boost::asio::as_tuple(boost::asio::use_awaitable));
      if (error) break;
    }
  };
}

// The same, but then the server keeps the connection open until the client leaves.
inline ByteServer::Script answer_and_wait(std::string bytes) {
  return [bytes = std::move(bytes)](ByteServer& server,
                                    ByteServer::Socket& socket) -> boost::asio::awaitable<void> {
    co_await server.read_request(socket);
    co_await boost::asio::async_write(socket, boost::asio::buffer(bytes),
                                      boost::asio::use_awaitable);
    co_await server.wait_for_close(socket);
  };
}

}  // namespace caisson::test
