#include <fmt/format.h>

#include <array>

#include "sandbox/base/async.h"
#include "sandbox/egress/client_hello.h"
#include "sandbox/egress/connection.h"
#include "sandbox/policy/host_name.h"

namespace caisson {

namespace {

constexpr const char* upload_leaf = "network.egress.upload_max_bytes";
constexpr const char* download_leaf = "network.egress.download_max_bytes";

}  // namespace

// TLS to the host that was named, and nothing else. What is wrong with it, or nothing; the bytes
// stay in input_.
asio::awaitable<std::string> EgressConnection::read_hello(const std::string& host) {
  using Step = ClientHelloParser::Step;
  const auto deadline = Deadline::after(proxy_.options_.settings.times.head).sooner(end_);
  ClientHelloParser parser;
  std::size_t fed = 0;
  for (;;) {
    if (fed == input_.size() && !co_await read_more(guest_, input_, deadline)) {
      co_return "it did not begin TLS in time";
    }
    const auto step = parser.feed(std::string_view(input_).substr(fed));
    fed = input_.size();
    if (step == Step::need_more) continue;
    if (step == Step::broken) co_return parser.problem();
    break;
  }
  const auto& hello = parser.hello();
  if (hello.encrypted) co_return "its ClientHello is encrypted (ECH), so that the host is hidden";
  if (parse_address(host)) {
    co_return hello.server_name ? "it names a host where an address was asked for" : "";
  }
  if (!hello.server_name) co_return "it names no host (SNI)";
  const auto name = canonical_host(*hello.server_name);
  if (!name || *name != host) co_return "its SNI names another host than CONNECT";
  co_return "";
}

// One direction, to its end. An idle connection is one on which neither direction has moved.
asio::awaitable<void> EgressConnection::pump(HttpTransport& from, HttpTransport& to,
                                             std::uint64_t& bytes, std::uint64_t limit,
                                             std::string& over, const char* leaf) {
  std::string buffer;
  for (;;) {
    const auto idle_at =
        Deadline::at(last_byte_ + proxy_.options_.settings.times.idle).sooner(end_);
    buffer.clear();
    std::array<char, 16384> space;
    const auto got = co_await from.read_some(asio::buffer(space), idle_at);
    if (!got) {
      if (end_.passed() || Clock::now() - last_byte_ >= proxy_.options_.settings.times.idle) {
        throw boost::system::system_error(asio::error::timed_out);
      }
      continue;
    }
    if (*got == 0) {
      to.end_writing();
      co_return;
    }
    last_byte_ = Clock::now();
    if (bytes + *got > limit) {
      over = leaf;
      throw boost::system::system_error(asio::error::message_size);
    }
    bytes += *got;
    co_await write(to, {space.data(), *got});
  }
}

asio::awaitable<EgressConnection::Next> EgressConnection::tunnel(Request& request,
                                                                 const EgressVerdict& verdict) {
  auto host = co_await dial(request, verdict);
  if (!host) co_return Next::close;
  co_await write(guest_, "HTTP/1.1 200 Connection established\r\n\r\n");
  request.record.status = 200;
  const auto refused = [&](Refusal refusal) {
    refusal.subject = request.subject();
    note(request, refusal);
  };
  if (auto problem = co_await read_hello(request.target.host); !problem.empty()) {
    // Inside of TLS nobody would read an answer: the connection is closed, and the reason is told
    // in the outcome of the block.
    refused(
        {403, "denied_tls", "", verdict.rule, fmt::format("The tunnel was closed: {}.", problem)});
    co_return Next::close;
  }
  const auto& limits = proxy_.policy_.network.egress;
  up_ += input_.size();
  co_await write(*host, input_);
  input_.clear();
  std::string over;
  try {
    Nursery both(proxy_.executor_);
    both.start(pump(guest_, *host, up_, limits.upload_max_bytes, over, upload_leaf));
    both.start(pump(*host, guest_, down_, limits.download_max_bytes, over, download_leaf));
    co_await both.join();
  } catch (const boost::system::system_error&) {
    // Reset, idle for too long, beyond a limit, or cancelled: it is over, and what went is known.
  }
  if (!over.empty()) {
    refused(limit_reached(over.c_str(), over == upload_leaf
                                            ? "The connection was closed: it sent too much."
                                            : "The connection was closed: it received too much."));
    co_return Next::close;
  }
  finish(request, "allowed");
  co_return Next::close;
}

}  // namespace caisson
