// The byte stream below the HTTP client: TCP, a unix socket, and TLS on top of TCP. Private to
// http_client.cpp and to sandbox/egress.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <optional>
#include <string>

#include "sandbox/base/http_client.h"

namespace caisson {

class TlsContext {
 public:
  boost::asio::ssl::context native{boost::asio::ssl::context::tls_client};
};

class HttpTransport {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  explicit HttpTransport(Socket socket) : socket_(std::move(socket)) {}

  // Errors as in http_client.h.
  static boost::asio::awaitable<Result<std::unique_ptr<HttpTransport>>> connect_unix(
      std::string path, Deadline deadline);
  static boost::asio::awaitable<Result<std::unique_ptr<HttpTransport>>> connect_tcp(
      std::string host, std::uint16_t port, Deadline deadline);
  // Speaks TLS from here on; verifies that the peer is `host`.
  boost::asio::awaitable<Result<void>> start_tls(std::shared_ptr<TlsContext> context,
                                                 std::string host, std::uint16_t port,
                                                 Deadline deadline);

  // At least one byte, 0 at the end, nothing at the deadline. Throws boost::system::system_error.
  boost::asio::awaitable<std::optional<std::size_t>> read_some(boost::asio::mutable_buffer buffer,
                                                               Deadline deadline);
  // At least one byte, or nothing at the deadline. Throws boost::system::system_error.
  boost::asio::awaitable<std::optional<std::size_t>> write_some(boost::asio::const_buffer buffer,
                                                                Deadline deadline);
  void end_writing();
  void close();

 private:
  using Tls = boost::asio::ssl::stream<Socket&>;

  boost::asio::awaitable<std::size_t> read_now(boost::asio::mutable_buffer buffer);
  boost::asio::awaitable<std::size_t> write_now(boost::asio::const_buffer buffer);
  boost::asio::awaitable<boost::system::error_code> handshake();

  Socket socket_;
  std::shared_ptr<TlsContext> context_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace caisson
