#include "sandbox/base/http_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <cerrno>
#include <cstring>

#include "sandbox/base/async.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/http_request.h"
#include "sandbox/base/http_transport.h"

namespace caisson {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

using Parser = http::response_parser<http::buffer_body>;

constexpr std::uint32_t header_limit_bytes = 64 * 1024;
constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t file_piece = 256 * 1024;

Deadline within(std::chrono::milliseconds time, Deadline deadline) {
  return time.count() == 0 ? deadline : Deadline::after(time).sooner(deadline);
}

}  // namespace

struct HttpStream::State {
  std::unique_ptr<HttpTransport> transport;
  std::string where;
  HttpTimeouts timeouts;
  boost::beast::flat_buffer buffer;
  std::unique_ptr<Parser> parser;
  HttpHeaders headers;
  bool raw = false;     // upgraded
  bool closed = false;  // by us

  Error broken(const char* when, const error_code& error) const {
    return Error(Errc::closed,
                 fmt::format("{} closed the connection {}: {}", where, when, error.message()));
  }

  // Reads more into `buffer`: false at the end of the stream. What stands in it unparsed is a piece
  // of a header or of a chunk's first line, and not to be collected without end.
  asio::awaitable<Result<bool>> fill(const char* when, Deadline deadline) {
    if (buffer.size() > header_limit_bytes) {
      const error_code limit = http::error::header_limit;
      co_return not_http(limit);
    }
    error_code error;
    std::optional<std::size_t> got;
    try {
      got = co_await transport->read_some(buffer.prepare(read_size), deadline);
    } catch (const boost::system::system_error& failure) {
      if (failure.code() == asio::error::operation_aborted && !closed) throw;
      error = failure.code();
    }
    if (closed) co_return Error(Errc::closed, "the connection was closed here");
    if (error) co_return broken(when, error);
    if (!got) {
      co_return Error(Errc::timed_out, fmt::format("{} sent nothing {} for too long", where, when));
    }
    buffer.commit(*got);
    co_return *got != 0;
  }

  asio::awaitable<Result<void>> send(asio::const_buffer bytes, Deadline deadline) {
    while (bytes.size() != 0) {
      error_code error;
      std::optional<std::size_t> sent;
      try {
        sent = co_await transport->write_some(bytes, within(timeouts.idle, deadline));
      } catch (const boost::system::system_error& failure) {
        if (failure.code() == asio::error::operation_aborted && !closed) throw;
        error = failure.code();
      }
      if (error) co_return broken("while we were sending", error);
      if (!sent) {
        co_return Error(Errc::timed_out, fmt::format("{} does not take what we send", where));
      }
      bytes += *sent;
    }
    co_return boost::system::in_place_value;
  }

  asio::awaitable<Result<void>> send_file(int file, std::uint64_t size, std::string name,
                                          Deadline deadline) {
    std::vector<char> piece(file_piece);
    while (size != 0) {
      const auto wanted = std::min<std::uint64_t>(size, piece.size());
      auto job = [file, &piece, wanted] { return ::read(file, piece.data(), wanted); };
      const auto got = co_await run_blocking(job);
      if (got <= 0) {
        co_return Error(Errc::io,
                        fmt::format("cannot read {}: {}", name,
                                    got == 0 ? "it has become shorter" : std::strerror(errno)));
      }
      auto sent =
          co_await send(asio::buffer(piece.data(), static_cast<std::size_t>(got)), deadline);
      if (!sent) co_return sent.error();
      size -= static_cast<std::uint64_t>(got);
    }
    co_return boost::system::in_place_value;
  }

  Error not_http(const error_code& error) const {
    if (error == http::error::header_limit) {
      return Error(Errc::too_large, fmt::format("{} sent headers of more than 64 KiB", where));
    }
    return Error(Errc::protocol,
                 fmt::format("{} does not speak HTTP/1.1 ({}); is it the right port and scheme?",
                             where, error.message()));
  }

  // The headers of the next answer that is not 1xx; 101 only counts when it was asked for.
  asio::awaitable<Result<void>> read_head(const HttpRequest& request, Deadline deadline) {
    auto limit = within(timeouts.first_byte, deadline);
    for (;;) {
      parser = std::make_unique<Parser>();
      parser->header_limit(header_limit_bytes);
      parser->body_limit(boost::none);
      parser->skip(request.method == "HEAD" || request.method == "CONNECT");
      while (!parser->is_header_done()) {
        error_code error;
        if (buffer.size() != 0) buffer.consume(parser->put(buffer.data(), error));
        if (error && error != http::error::need_more) co_return not_http(error);
        if (parser->is_header_done()) break;
        auto more = co_await fill("before its answer", limit);
        if (!more) co_return more.error();
        if (!*more) {
          const error_code end = asio::error::eof;
          co_return broken("before its answer", end);
        }
        limit = within(timeouts.idle, deadline);
      }
      const auto status = parser->get().result_int();
      raw = status == 101 && !request.upgrade.empty();
      if (raw || status >= 200) break;
      if (status == 101) {
        co_return Error(Errc::protocol, fmt::format("{} changed the protocol unasked", where));
      }
    }
    for (const auto& field : parser->get()) {
      headers.emplace_back(field.name_string(), field.value());
    }
    co_return boost::system::in_place_value;
  }

  // As much of the body as is in `buffer` already, and whether more has to be read for it.
  Result<std::size_t> parse_body(asio::mutable_buffer out) {
    for (;;) {
      if (parser->is_done() || buffer.size() == 0) return std::size_t{0};
      auto& body = parser->get().body();
      body.data = out.data();
      body.size = out.size();
      body.more = true;
      error_code error;
      const auto used = parser->put(buffer.data(), error);
      buffer.consume(used);
      if (error && error != http::error::need_more && error != http::error::need_buffer) {
        return not_http(error);
      }
      if (const auto got = out.size() - body.size; got != 0) return got;
      if (used == 0) return std::size_t{0};
    }
  }
};

HttpStream::HttpStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpStream::HttpStream(HttpStream&&) noexcept = default;
HttpStream& HttpStream::operator=(HttpStream&&) noexcept = default;
HttpStream::~HttpStream() = default;

unsigned HttpStream::status() const {
  return state_->parser->get().result_int();
}

const HttpHeaders& HttpStream::headers() const {
  return state_->headers;
}

std::string_view HttpStream::header(std::string_view name) const {
  const auto* value = find_header(state_->headers, name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

asio::awaitable<Result<std::size_t>> HttpStream::read_some(asio::mutable_buffer out,
                                                           Deadline deadline) {
  auto& state = *state_;
  if (out.size() == 0) co_return std::size_t{0};
  for (;;) {
    if (state.raw && state.buffer.size() != 0) {
      const auto got = asio::buffer_copy(out, state.buffer.data());
      state.buffer.consume(got);
      co_return got;
    }
    if (!state.raw) {
      auto got = state.parse_body(out);
      if (!got || *got != 0) co_return got;
      if (state.parser->is_done()) co_return std::size_t{0};
    }
    const auto limit = state.raw ? deadline : within(state.timeouts.idle, deadline);
    auto more = co_await state.fill("in the middle of its answer", limit);
    if (!more) co_return more.error();
    if (*more) continue;
    if (state.raw) co_return std::size_t{0};
    error_code error;
    state.parser->put_eof(error);
    if (!error) co_return std::size_t{0};
    co_return state.broken("in the middle of its answer", error);
  }
}

asio::awaitable<Result<void>> HttpStream::write(asio::const_buffer bytes, Deadline deadline) {
  co_return co_await state_->send(bytes, deadline);
}

void HttpStream::end_writing() {
  state_->transport->end_writing();
}

void HttpStream::close() {
  state_->closed = true;
  state_->transport->close();
}

// Makes the connection of one request.
class HttpConnection {
 public:
  HttpConnection(const HttpTarget& target, const HttpRequest& request)
      : target_(target), request_(request), state_(std::make_unique<HttpStream::State>()) {
    state_->where = target.description();
    state_->timeouts = request.timeouts;
  }

  asio::awaitable<Result<HttpStream>> open(Deadline deadline) {
    if (auto fine = check_request(request_); !fine) co_return fine.error();
    OwnedFd file;
    std::uint64_t length = request_.body.size();
    if (!request_.body_file.empty()) {
      file.reset(::open(request_.body_file.c_str(), O_RDONLY | O_CLOEXEC));
      struct stat facts{};
      if (!file || ::fstat(file.get(), &facts) != 0) {
        co_return Error(Errc::bad_input, fmt::format("cannot read {}: {}", request_.body_file,
                                                     std::strerror(errno)));
      }
      if (!S_ISREG(facts.st_mode)) {
        co_return Error(Errc::bad_input,
                        fmt::format("{} is not a regular file", request_.body_file));
      }
      length = static_cast<std::uint64_t>(facts.st_size);
    }
    auto connected = co_await connect(within(request_.timeouts.connect, deadline));
    if (!connected) co_return connected.error();
    const auto sent = co_await send(file.get(), length, deadline);
    if (!sent && sent.error().code != Errc::closed) co_return sent.error();
    // A server that refuses a long body answers and closes before it has read all of it.
    auto answered = co_await state_->read_head(request_, deadline);
    if (!answered) co_return sent ? answered.error() : sent.error();
    co_return HttpStream(std::move(state_));
  }

 private:
  asio::awaitable<Result<void>> connect(Deadline deadline) {
    using Transport = HttpTarget::Transport;
    Result<std::unique_ptr<HttpTransport>> made = nullptr;
    if (target_.transport == Transport::unix_socket) {
      made = co_await HttpTransport::connect_unix(target_.unix_path, deadline);
    } else if (target_.proxy) {
      made =
          co_await HttpTransport::connect_tcp(target_.proxy->host, target_.proxy->port, deadline);
      if (!made) {
        co_return Error(made.error().code, "HTTP proxy: " + made.error().message);
      }
    } else {
      made = co_await HttpTransport::connect_tcp(target_.host, target_.port, deadline);
    }
    if (!made) co_return made.error();
    state_->transport = std::move(*made);
    if (target_.transport != Transport::tls) co_return boost::system::in_place_value;
    if (target_.proxy) {
      auto tunnel = co_await open_tunnel(deadline);
      if (!tunnel) co_return tunnel.error();
    }
    auto context = target_.tls;
    if (!context) {
      auto usual = make_tls(TlsOptions());
      if (!usual) co_return usual.error();
      context = std::move(*usual);
    }
    co_return co_await state_->transport->start_tls(context, target_.host, target_.port, deadline);
  }

  asio::awaitable<Result<void>> open_tunnel(Deadline deadline) {
    const auto& proxy = *target_.proxy;
    std::string head = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", target_.description());
    if (!proxy.authorization.empty()) {
      head += "Proxy-Authorization: " + proxy.authorization + "\r\n";
    }
    head += "\r\n";
    auto sent = co_await state_->send(asio::buffer(head), deadline);
    if (!sent) co_return Error(sent.error().code, "HTTP proxy: " + sent.error().message);
    HttpRequest connect;
    connect.method = "CONNECT";
    auto answered = co_await state_->read_head(connect, deadline);
    if (!answered)
      co_return Error(answered.error().code, "HTTP proxy: " + answered.error().message);
    const auto status = state_->parser->get().result_int();
    state_->headers.clear();
    if (status / 100 == 2) co_return boost::system::in_place_value;
    co_return Error(status == 407 ? Errc::unauthorized : Errc::unavailable,
                    fmt::format("the HTTP proxy {}:{} refuses a tunnel to {} (status {}{})",
                                proxy.host, proxy.port, target_.description(), status,
                                status == 407 ? ": put the login into its URL" : ""));
  }

  asio::awaitable<Result<void>> send(int file, std::uint64_t length, Deadline deadline) {
    const auto head = request_head(target_, request_, length);
    auto sent = co_await state_->send(asio::buffer(head), deadline);
    if (!sent) co_return sent.error();
    if (file >= 0) co_return co_await state_->send_file(file, length, request_.body_file, deadline);
    co_return co_await state_->send(asio::buffer(request_.body), deadline);
  }

  const HttpTarget& target_;
  const HttpRequest& request_;
  std::unique_ptr<HttpStream::State> state_;
};

asio::awaitable<Result<HttpStream>> http_open(HttpTarget target, HttpRequest request,
                                              Deadline deadline) {
  HttpConnection connection(target, request);
  co_return co_await connection.open(deadline);
}

std::string_view HttpResponse::header(std::string_view name) const {
  const auto* value = find_header(headers, name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

asio::awaitable<Result<HttpResponse>> http_fetch(HttpTarget target, HttpRequest request,
                                                 Deadline deadline, std::size_t limit_bytes) {
  const auto where = target.description();
  auto stream = co_await http_open(std::move(target), std::move(request), deadline);
  if (!stream) co_return stream.error();
  HttpResponse response;
  response.status = stream->status();
  response.headers = stream->headers();
  std::array<char, read_size> piece;
  for (;;) {
    auto got = co_await stream->read_some(asio::buffer(piece), deadline);
    if (!got) co_return got.error();
    if (*got == 0) co_return response;
    if (response.body.size() + *got > limit_bytes) {
      co_return Error(Errc::too_large,
                      fmt::format("{} answered with more than {} bytes", where, limit_bytes));
    }
    response.body.append(piece.data(), *got);
  }
}

}  // namespace caisson
