#include "sandbox/base/http_transport.h"

#include <fmt/format.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sandbox/base/async.h"
#include "sandbox/base/fd.h"

namespace caisson {

using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto awaiting = asio::as_tuple(asio::use_awaitable);

// What a resolver's thread and the coroutine that waits for it share; the thread may outlive the
// wait, because getaddrinfo(3) cannot be stopped.
struct Resolution {
  std::string host;
  std::uint16_t port = 0;
  OwnedFd done{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::vector<tcp::endpoint> found;
  int error = 0;

  void resolve(int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* list = nullptr;
    error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    for (const auto* entry = list; entry != nullptr; entry = entry->ai_next) {
      tcp::endpoint endpoint;
      if (entry->ai_addrlen > endpoint.capacity()) continue;
      std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
      endpoint.resize(entry->ai_addrlen);
      endpoint.port(port);
      found.push_back(endpoint);
    }
    if (list != nullptr) ::freeaddrinfo(list);
  }
};

asio::awaitable<std::size_t> wait_readable(int fd) {
  asio::posix::stream_descriptor descriptor(co_await asio::this_coro::executor, ::dup(fd));
  co_await descriptor.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
  co_return 1;
}

// Not Asio's resolver: its operation ends only when getaddrinfo does, however it is cancelled.
asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(std::string host, std::uint16_t port,
                                                            Deadline deadline) {
  // Two owners: this coroutine, and the job on the pool that may outlive it.
  auto shared = std::make_shared<Resolution>();
  shared->host = host;
  shared->port = port;
  shared->resolve(AI_NUMERICHOST);
  if (shared->error != 0) {
    asio::post(blocking_pool(), [shared] {
      shared->resolve(AI_ADDRCONFIG);
      const std::uint64_t one = 1;
      static_cast<void>(!::write(shared->done.get(), &one, sizeof one));
    });
    const auto done = co_await with_timeout(wait_readable(shared->done.get()), deadline);
    if (!done) {
      co_return Error(
          Errc::timed_out,
          fmt::format("the name '{}' was not resolved in time (is DNS reachable?)", host));
    }
  }
  if (shared->error != 0 || shared->found.empty()) {
    co_return Error(Errc::unavailable,
                    fmt::format("the name '{}' cannot be resolved: {}", host,
                                shared->error == 0 ? "no address" : ::gai_strerror(shared->error)));
  }
  co_return std::move(shared->found);
}

asio::awaitable<error_code> connect_socket(HttpTransport::Socket& socket,
                                           asio::generic::stream_protocol::endpoint endpoint) {
  auto [error] = co_await socket.async_connect(endpoint, awaiting);
  co_return error;
}

std::string openssl_reason(const error_code& error, SSL* ssl) {
  const long verdict = ::SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) {
    return fmt::format("its certificate is refused: {}", ::X509_verify_cert_error_string(verdict));
  }
  return error.message();
}

}  // namespace

Result<std::shared_ptr<TlsContext>> make_tls(const TlsOptions& options) {
  auto context = std::make_shared<TlsContext>();
  auto& native = context->native;
  ::SSL_CTX_set_min_proto_version(native.native_handle(), TLS1_2_VERSION);
  native.set_verify_mode(asio::ssl::verify_peer);
  error_code error;
  const auto failed = [&error](const char* what, const std::string& file) {
    return Error(Errc::bad_input, fmt::format("{} '{}': {}", what, file, error.message()));
  };
  if (options.ca_file.empty()) {
    native.set_default_verify_paths(error);
    if (error) return failed("the system's certificate authorities", "(OpenSSL's default)");
  } else {
    native.load_verify_file(options.ca_file, error);
    if (error) return failed("certificate authority", options.ca_file);
  }
  if (!options.certificate_file.empty()) {
    native.use_certificate_chain_file(options.certificate_file, error);
    if (error) return failed("client certificate", options.certificate_file);
    native.use_private_key_file(options.key_file, asio::ssl::context::pem, error);
    if (error) return failed("key of the client certificate", options.key_file);
  }
  return context;
}

asio::awaitable<Result<std::unique_ptr<HttpTransport>>> HttpTransport::connect_unix(
    std::string path, Deadline deadline) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    co_return Error(Errc::bad_input,
                    fmt::format("the socket path '{}' is longer than 107 bytes", path));
  }
  Socket socket(co_await asio::this_coro::executor);
  const asio::local::stream_protocol::endpoint endpoint(path);
  const auto error = co_await with_timeout(connect_socket(socket, endpoint), deadline);
  if (!error) {
    co_return Error(Errc::timed_out, fmt::format("connecting to {} took too long", path));
  }
  if (*error == asio::error::access_denied) {
    co_return Error(Errc::unauthorized, fmt::format("no permission to open the socket {}", path));
  }
  if (*error == boost::system::errc::no_such_file_or_directory) {
    co_return Error(Errc::unavailable, fmt::format("there is no socket {}", path));
  }
  if (*error) {
    co_return Error(Errc::unavailable,
                    fmt::format("cannot connect to {}: {}", path, error->message()));
  }
  co_return std::make_unique<HttpTransport>(std::move(socket));
}

asio::awaitable<Result<std::unique_ptr<HttpTransport>>> HttpTransport::connect_tcp(
    std::string host, std::uint16_t port, Deadline deadline) {
  auto endpoints = co_await resolve(host, port, deadline);
  if (!endpoints) co_return endpoints.error();
  error_code last;
  auto rest = static_cast<int>(endpoints->size());
  for (const auto& endpoint : *endpoints) {
    // Each address gets its share of the time: one that swallows packets must not cost it all.
    const auto share =
        deadline.is_never() ? deadline : Deadline::after(deadline.left() / rest).sooner(deadline);
    --rest;
    Socket socket(co_await asio::this_coro::executor);
    const auto error = co_await with_timeout(connect_socket(socket, endpoint), share);
    if (error && !*error) {
      const int on = 1;
      ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      co_return std::make_unique<HttpTransport>(std::move(socket));
    }
    last = error ? *error : error_code(asio::error::timed_out);
  }
  const auto where = fmt::format("{}:{}", host, port);
  if (last == asio::error::timed_out) {
    co_return Error(Errc::timed_out,
                    fmt::format("{} did not answer in time (is the address right, does a firewall "
                                "stand in between?)",
                                where));
  }
  if (last == asio::error::connection_refused) {
    co_return Error(Errc::unavailable,
                    fmt::format("{} refused the connection (does the server run, is the port "
                                "right?)",
                                where));
  }
  co_return Error(Errc::unavailable,
                  fmt::format("cannot connect to {}: {}", where, last.message()));
}

asio::awaitable<error_code> HttpTransport::handshake() {
  auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::client, awaiting);
  co_return error;
}

asio::awaitable<Result<void>> HttpTransport::start_tls(std::shared_ptr<TlsContext> context,
                                                       std::string host, std::uint16_t port,
                                                       Deadline deadline) {
  context_ = std::move(context);
  tls_ = std::make_unique<Tls>(socket_, context_->native);
  SSL* ssl = tls_->native_handle();
  error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  if (not_an_address) {
    // The macro SSL_set_tlsext_host_name, without its C cast.
    ::SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
    ::SSL_set1_host(ssl, host.c_str());
  } else {
    ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str());
  }
  const auto error = co_await with_timeout(handshake(), deadline);
  if (!error) {
    co_return Error(Errc::timed_out,
                    fmt::format("{}:{} did not finish the TLS handshake in time", host, port));
  }
  if (*error) {
    co_return Error(Errc::protocol, fmt::format("TLS with {}:{} failed: {}", host, port,
                                                openssl_reason(*error, ssl)));
  }
  co_return boost::system::in_place_value;
}

asio::awaitable<std::size_t> HttpTransport::read_now(asio::mutable_buffer buffer) {
  error_code error;
  std::size_t got = 0;
  if (tls_) {
    got = co_await tls_->async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  } else {
    got =
        co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  }
  // Many servers close without TLS's close_notify; a body that is cut by it is noticed by its
  // length or its last chunk.
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) co_return 0;
  if (error) throw boost::system::system_error(error);
  co_return got;
}

asio::awaitable<std::size_t> HttpTransport::write_now(asio::const_buffer buffer) {
  if (tls_) co_return co_await tls_->async_write_some(buffer, asio::use_awaitable);
  co_return co_await socket_.async_write_some(buffer, asio::use_awaitable);
}

asio::awaitable<std::optional<std::size_t>> HttpTransport::read_some(asio::mutable_buffer buffer,
                                                                     Deadline deadline) {
  if (deadline.is_never()) co_return co_await read_now(buffer);
  co_return co_await with_timeout(read_now(buffer), deadline);
}

asio::awaitable<std::optional<std::size_t>> HttpTransport::write_some(asio::const_buffer buffer,
                                                                      Deadline deadline) {
  if (deadline.is_never()) co_return co_await write_now(buffer);
  co_return co_await with_timeout(write_now(buffer), deadline);
}

void HttpTransport::end_writing() {
  error_code ignored;
  if (!tls_) socket_.shutdown(Socket::shutdown_send, ignored);
}

void HttpTransport::close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace caisson
