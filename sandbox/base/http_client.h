// An HTTP/1.1 client: over TCP, TLS or a unix socket; whole bodies, streams, and connections that
// are taken over after an upgrade. One connection a request. Redirects are not followed: a server
// that is configured is the server that is meant.
//
// Errors of everything here, with messages that name host and port:
//   unavailable   refused, unreachable, the name cannot be resolved, no such socket, proxy refuses
//   unauthorized  no permission to open the unix socket; the proxy wants a login
//   timed_out     connecting, no first byte, silence, or the deadline
//   protocol      TLS refused (certificate, host name), or the answer is not HTTP/1.1
//   closed        the connection broke off in the middle
//   too_large     headers beyond 64 KiB, a body beyond the caller's limit
//   bad_input     a request, URL, certificate or file of ours that cannot be used
// Cancellation of any call closes the connection.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace caisson {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The value of a header, its name in any case, or nullptr.
const std::string* find_header(const HttpHeaders& headers, std::string_view name);

// Whom to trust and who we are. Certificates and host names are always verified.
struct TlsOptions {
  std::string ca_file;           // PEM; empty: the system's authorities
  std::string certificate_file;  // PEM of the client, with key_file; empty: none
  std::string key_file;
};
class TlsContext;
Result<std::shared_ptr<TlsContext>> make_tls(const TlsOptions& options);

struct HttpProxy {
  std::string host;
  std::uint16_t port = 0;
  std::string authorization;  // value of Proxy-Authorization, empty: none
  bool operator==(const HttpProxy&) const = default;
};

// Where a request goes.
struct HttpTarget {
  enum class Transport { tcp, tls, unix_socket };
  Transport transport = Transport::tcp;
  std::string host;  // name or address, IPv6 without brackets; with a unix socket: Host header
  std::uint16_t port = 0;
  std::string unix_path;
  std::shared_ptr<TlsContext> tls;  // shared by all targets made from it; null: system authorities
  std::optional<HttpProxy> proxy;   // not used with a unix socket

  std::string description() const;  // "api.example.org:443", "/run/docker.sock", for messages
};

struct Url {
  HttpTarget target;
  std::string path;  // with query; no slash at its end: "" or "/v1"
};
// "http://host:port/path", "https://…", "unix:///path/to/socket". Error: bad_input.
Result<Url> parse_url(std::string_view text);

// HTTP_PROXY, HTTPS_PROXY and NO_PROXY as the caller found them in the environment.
struct ProxySettings {
  std::string http;
  std::string https;
  std::string no;  // comma-separated hosts and domain suffixes ("*": all), optionally ":port"
};
// The proxy for this target, or none. Loopback is never asked through a proxy. Error: bad_input.
Result<std::optional<HttpProxy>> choose_proxy(const ProxySettings& settings,
                                              const HttpTarget& target);

// Each wait is also bounded by the deadline of its call. Zero: by nothing else.
struct HttpTimeouts {
  std::chrono::milliseconds connect{5000};      // resolve, connect, proxy and TLS together
  std::chrono::milliseconds first_byte{60000};  // from the end of the request to the first answer
  std::chrono::milliseconds idle{60000};        // between bytes, both ways
};

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, already percent-encoded
  HttpHeaders headers;       // Host, Content-Length and Connection are made here
  std::string body;
  std::string body_file;  // sent instead of `body`, as it is read; a regular file
  std::string upgrade;    // protocol to ask for ("tcp"); after 101 the connection is raw
  HttpTimeouts timeouts;
};

// An answer whose body is read piece by piece; what is not read stays with the server
// (back-pressure). Destroying or closing it closes the connection at once.
class HttpStream {
 public:
  HttpStream(HttpStream&&) noexcept;
  HttpStream& operator=(HttpStream&&) noexcept;
  ~HttpStream();

  unsigned status() const;
  const HttpHeaders& headers() const;
  // Empty when it is not there. Valid while the stream lives.
  std::string_view header(std::string_view name) const;

  // At least one byte of the body, or 0 at its end. Once it is upgraded: of what the peer sends.
  boost::asio::awaitable<Result<std::size_t>> read_some(boost::asio::mutable_buffer buffer,
                                                        Deadline deadline);
  // All of it, on an upgraded connection. May run while a read_some() waits.
  boost::asio::awaitable<Result<void>> write(boost::asio::const_buffer bytes, Deadline deadline);
  // Tells the peer that no more will be written; reading goes on.
  void end_writing();
  void close();

 private:
  friend class HttpConnection;
  struct State;
  explicit HttpStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Sends a request and waits for the headers of the answer. A status of 400 or more is no error.
boost::asio::awaitable<Result<HttpStream>> http_open(HttpTarget target, HttpRequest request,
                                                     Deadline deadline);

struct HttpResponse {
  unsigned status = 0;
  HttpHeaders headers;
  std::string body;
  std::string_view header(std::string_view name) const;  // empty when it is not there
};

// The same with the whole body, at most `limit_bytes` of it.
boost::asio::awaitable<Result<HttpResponse>> http_fetch(HttpTarget target, HttpRequest request,
                                                        Deadline deadline,
                                                        std::size_t limit_bytes = 16 << 20);

}  // namespace caisson
