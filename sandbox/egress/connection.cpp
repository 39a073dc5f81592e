#include "sandbox/egress/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sandbox/base/async.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_head_bytes = 65536;
constexpr std::size_t buffer_bytes = 16384;

Deadline after(std::chrono::milliseconds time) {
  return Deadline::after(time);
}

}  // namespace

EgressConnection::EgressConnection(EgressProxy& proxy, HttpTransport& guest)
    : proxy_(proxy), guest_(guest), end_(after(proxy.options_.settings.times.total)) {}

std::string EgressConnection::Request::subject() const {
  if (target.host.empty()) return "a request";
  return fmt::format("{} {}:{}", head.method, target.host, target.port);
}

Deadline EgressConnection::idle() const {
  return after(proxy_.options_.settings.times.idle).sooner(end_);
}

asio::awaitable<bool> EgressConnection::read_more(HttpTransport& from, std::string& buffer,
                                                  Deadline deadline) {
  std::array<char, buffer_bytes> bytes;
  const auto got = co_await from.read_some(asio::buffer(bytes), deadline);
  if (!got || *got == 0) co_return false;
  last_byte_ = Clock::now();
  buffer.append(bytes.data(), *got);
  co_return true;
}

asio::awaitable<void> EgressConnection::write(HttpTransport& to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto wrote = co_await to.write_some(asio::buffer(bytes), idle());
    if (!wrote) throw boost::system::system_error(asio::error::timed_out);
    last_byte_ = Clock::now();
    bytes.remove_prefix(*wrote);
  }
}

asio::awaitable<std::optional<std::string>> EgressConnection::read_head(HttpTransport& from,
                                                                        std::string& buffer,
                                                                        Deadline deadline) {
  for (;;) {
    if (const auto size = head_size(buffer)) {
      auto head = buffer.substr(0, *size);
      buffer.erase(0, *size);
      co_return head;
    }
    if (buffer.size() > most_head_bytes || !co_await read_more(from, buffer, deadline)) {
      co_return std::nullopt;
    }
  }
}

asio::awaitable<void> EgressConnection::serve() {
  for (;;) {
    // Between requests a connection may rest; once one has begun it has to come.
    if (input_.empty() && !co_await read_more(guest_, input_, idle())) co_return;
    const auto deadline = after(proxy_.options_.settings.times.head).sooner(end_);
    auto head = co_await read_head(guest_, input_, deadline);
    if (!head) {
      Request request;
      const bool long_head = input_.size() > most_head_bytes;
      co_await refuse(request,
                      {long_head ? 431U : 408U, long_head ? "long_headers" : "slow_request", "",
                       "limits of the proxy (built in)",
                       long_head ? "The headers of a request are too long."
                                 : "The request was not sent in time."});
      co_return;
    }
    if (co_await serve_one(std::move(*head)) == Next::close) co_return;
  }
}

asio::awaitable<void> EgressConnection::refuse_all(Refusal refusal) {
  Request request;
  // So that the answer is for something. Who does not ask at once is only shown the door.
  if (!co_await read_head(guest_, input_, after(1s))) co_return;
  co_await refuse(request, std::move(refusal));
}

asio::awaitable<EgressConnection::Next> EgressConnection::serve_one(std::string head) {
  Request request;
  request.up_before = up_;
  request.down_before = down_;
  try {
    co_return co_await answer(request, head);
  } catch (...) {
    // Who hangs up in the middle is written down like everybody else.
    if (!request.written) finish(request, "cut");
    throw;
  }
}

asio::awaitable<EgressConnection::Next> EgressConnection::answer(Request& request,
                                                                 const std::string& head) {
  const auto bad = [&](std::string why) {
    return Refusal{400, "bad_request", "", "syntax of requests (built in)",
                   "The proxy refuses this request: " + std::move(why) + "."};
  };
  if (!proxy_.rate_.take()) {
    co_return co_await refuse(request,
                              {429, "too_many_requests", "",
                               rule_text(proxy_.policy_, "network.egress.requests_per_minute"),
                               fmt::format("No more than {} requests a minute are allowed: wait.",
                                           proxy_.policy_.network.egress.requests_per_minute)});
  }
  auto parsed = parse_request(head);
  if (!parsed) co_return co_await refuse(request, bad(parsed.error().message));
  request.head = std::move(*parsed);
  request.record.method = request.head.method.substr(0, 32);
  const auto framing = framing_of(request.head);
  if (!framing) co_return co_await refuse(request, bad(framing.error().message));
  auto target = target_of(request.head);
  if (!target) {
    auto refusal = bad(target.error().message);
    refusal.id = "bad_host";
    co_return co_await refuse(request, std::move(refusal));
  }
  request.target = std::move(*target);
  request.record.host = request.target.host;
  request.record.port = request.target.port;
  if (find_header(request.head.fields, "Upgrade") != nullptr) {
    co_return co_await refuse(request, bad("other protocols than HTTP/1.1 are not spoken"));
  }
  if (request.head.method == "TRACE") {
    co_return co_await refuse(request, bad("TRACE would show headers that are not the sandbox's"));
  }
  const bool has_body = framing->kind != Framing::Kind::none;
  if (request.target.tunnel && has_body) {
    co_return co_await refuse(request, bad("CONNECT has no body"));
  }
  auto verdict = judge(proxy_.policy_, request.target.host, request.target.port,
                       request.head.method, request.target.path);
  request.record.rule = verdict.rule;
  if (!verdict.allowed) {
    co_return co_await refuse(request, {403, verdict.id, "", verdict.rule, verdict.hint});
  }
  if (request.target.tunnel) co_return co_await tunnel(request, verdict);
  co_return co_await forward(request, verdict, *framing);
}

void EgressConnection::finish(Request& request, std::string verdict) {
  auto& record = request.record;
  request.written = true;
  record.verdict = std::move(verdict);
  record.up_bytes = up_ - request.up_before;
  record.down_bytes = down_ - request.down_before;
  record.duration_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - request.started)
          .count());
  proxy_.journal_.write(record);
}

void EgressConnection::note(Request& request, const Refusal& refusal) {
  request.record.rule = refusal.rule;
  // A loop of refused requests must not fill the disk.
  if (!proxy_.told_.take()) {
    request.written = true;
    request.record.verdict = refusal.id;
    return proxy_.journal_.count(request.record);
  }
  finish(request, refusal.id);
  if (proxy_.options_.on_refusal) proxy_.options_.on_refusal(refusal);
}

asio::awaitable<EgressConnection::Next> EgressConnection::refuse(Request& request,
                                                                 Refusal refusal) {
  refusal.subject = request.subject();
  request.record.status = refusal.status;
  note(request, refusal);
  co_await write(guest_, response_of(refusal));
  co_await linger();
  co_return Next::close;
}

asio::awaitable<EgressConnection::Next> EgressConnection::fail(Request& request, unsigned status,
                                                               std::string why) {
  request.record.status = status;
  finish(request, "failed");
  co_await write(guest_, response_of({status, "unreachable", "", request.record.rule,
                                      "The request is allowed, but " + why + "."}));
  co_await linger();
  co_return Next::close;
}

// A connection that is closed with bytes unread is reset, and the answer may be lost with it.
asio::awaitable<void> EgressConnection::linger() {
  constexpr std::size_t most = 1 << 20;
  guest_.end_writing();
  const auto deadline = after(1s).sooner(end_);
  std::string ignored;
  std::size_t total = 0;
  while (total < most && co_await read_more(guest_, ignored, deadline)) {
    total += ignored.size();
    ignored.clear();
  }
}

Refusal EgressConnection::limit_reached(const char* leaf, std::string hint) const {
  return {413, "too_large", "", rule_text(proxy_.policy_, leaf), std::move(hint)};
}

asio::awaitable<std::unique_ptr<HttpTransport>> EgressConnection::dial(
    Request& request, const EgressVerdict& verdict) {
  const auto& host = request.target.host;
  const auto deadline = after(proxy_.options_.settings.times.connect).sooner(end_);
  std::vector<Address> found;
  if (const auto address = parse_address(host)) {
    found.push_back(*address);
  } else {
    auto resolved = co_await proxy_.options_.settings.resolve(host, deadline);
    if (!resolved) {
      co_await fail(request, resolved.error().code == Errc::timed_out ? 504 : 502,
                    resolved.error().message);
      co_return nullptr;
    }
    found = std::move(*resolved);
  }
  std::string closed;
  const auto open = open_addresses(proxy_.policy_, found, closed);
  if (open.empty()) {
    co_await refuse(request, {403, "resolved_to_denied", "", "closed ranges (built in)",
                              fmt::format("{} is at {}, which is never reached.", host, closed)});
    co_return nullptr;
  }
  std::string problem;
  auto left = static_cast<int>(open.size());
  for (const auto& address : open) {
    // Each address gets its share of the time.
    const auto share = Deadline::after(deadline.left() / left--).sooner(deadline);
    request.record.address = to_text(address);
    auto dialled =
        co_await HttpTransport::connect_tcp(request.record.address, verdict.dial_port, share);
    if (!dialled) {
      problem = dialled.error().message;
      continue;
    }
    if (verdict.dial_tls) {
      auto context = proxy_.tls();
      if (!context) {
        co_await fail(request, 502, context.error().message);
        co_return nullptr;
      }
      auto secured = co_await (*dialled)->start_tls(*context, host, verdict.dial_port, deadline);
      if (!secured) {
        co_await fail(request, 502, secured.error().message);
        co_return nullptr;
      }
    }
    co_return std::move(*dialled);
  }
  co_await fail(request, deadline.passed() ? 504 : 502, problem);
  co_return nullptr;
}

}  // namespace caisson
