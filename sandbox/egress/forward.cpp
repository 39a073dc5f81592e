#include <fmt/format.h>

#include <algorithm>

#include "sandbox/base/async.h"
#include "sandbox/egress/body.h"
#include "sandbox/egress/connection.h"

namespace caisson {
namespace {

constexpr const char* upload_leaf = "network.egress.upload_max_bytes";
constexpr const char* download_leaf = "network.egress.download_max_bytes";
constexpr const char* sent_too_much = "The request sends more than is allowed.";
constexpr const char* too_much_to_receive = "The answer is longer than is allowed.";

std::string host_field(const std::string& host, std::uint16_t port, bool tls) {
  const auto name = host.find(':') != host.npos ? "[" + host + "]" : host;
  return port == (tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

std::uint64_t left_of(std::uint64_t limit, std::uint64_t used) {
  return limit - std::min(limit, used);
}

}  // namespace

asio::awaitable<EgressConnection::Next> EgressConnection::forward(Request& request,
                                                                  const EgressVerdict& verdict,
                                                                  Framing framing) {
  const auto& limits = proxy_.policy_.network.egress;
  if (framing.kind == Framing::Kind::length &&
      framing.bytes > left_of(limits.upload_max_bytes, up_)) {
    co_return co_await refuse(request, limit_reached(upload_leaf, sent_too_much));
  }
  const auto* credential = proxy_.credential_for(request.target.host);
  auto host = co_await dial(request, verdict);
  if (!host) co_return Next::close;
  request.target.port = verdict.dial_port;

  auto next = Next::close;
  if (co_await send_request(request, *host, framing, credential)) {
    next = co_await pass_response(request, *host, credential);
  }
  host->close();
  co_return next;
}

asio::awaitable<bool> EgressConnection::send_request(Request& request, HttpTransport& host,
                                                     Framing framing,
                                                     const Credential* credential) {
  auto fields = end_to_end(request.head.fields);
  if (credential != nullptr) {
    // The name is the proxy's. Parts of a body, and encodings that it cannot read, would let the
    // secret slip through in pieces.
    std::erase_if(fields, [&](const auto& field) {
      return same_word(field.first, credential->header) || same_word(field.first, "Range") ||
             same_word(field.first, "If-Range") || same_word(field.first, "Accept-Encoding");
    });
    fields.emplace_back("Accept-Encoding", "identity");
    fields.emplace_back(credential->header, credential->value);
  }
  const bool tls = request.target.port == 443;
  fields.insert(fields.begin(),
                {"Host", host_field(request.target.host, request.target.port, tls)});
  fields.emplace_back("Connection", "close");
  const bool chunked = framing.kind == Framing::Kind::chunked;
  if (chunked) fields.emplace_back("Transfer-Encoding", "chunked");
  if (framing.kind == Framing::Kind::length) {
    fields.emplace_back("Content-Length", std::to_string(framing.bytes));
  }
  co_await write(host, fmt::format("{} {} HTTP/1.1\r\n{}\r\n", request.head.method,
                                   request.target.path, to_text(fields)));

  const auto* expect = find_header(request.head.fields, "Expect");
  if (expect != nullptr && request.head.minor == 1 && framing.kind != Framing::Kind::none &&
      input_.empty()) {
    co_await write(guest_, "HTTP/1.1 100 Continue\r\n\r\n");
  }
  BodyReader body(framing);
  while (!body.done()) {
    if (input_.empty() && !co_await read_more(guest_, input_, idle())) {
      finish(request, "failed");
      co_return false;
    }
    std::string_view bytes = input_;
    std::string content;
    const bool well_formed = body.take(bytes, content);
    input_.erase(0, input_.size() - bytes.size());
    up_ += content.size();
    if (up_ > proxy_.policy_.network.egress.upload_max_bytes) {
      co_await refuse(request, limit_reached(upload_leaf, sent_too_much));
      co_return false;
    }
    if (!well_formed) {
      co_await refuse(request, {400, "bad_request", "", "syntax of requests (built in)",
                                "The proxy refuses this request: its chunks are not as they should "
                                "be."});
      co_return false;
    }
    if (!content.empty()) co_await write(host, chunked ? chunk_of(content) : content);
  }
  if (chunked) co_await write(host, chunk_of(""));
  co_return true;
}

asio::awaitable<EgressConnection::Next> EgressConnection::pass_response(
    Request& request, HttpTransport& host, const Credential* credential) {
  std::string buffer;
  ResponseHead response;
  for (;;) {
    const auto head = co_await read_head(host, buffer, idle());
    if (!head) co_return co_await fail(request, 502, "its host did not answer");
    auto parsed = parse_response(*head);
    if (!parsed) {
      co_return co_await fail(request, 502, "its host does not speak HTTP/1.1");
    }
    if (parsed->status == 101) co_return co_await fail(request, 502, "its host changes protocols");
    if (parsed->status < 200) continue;
    response = std::move(*parsed);
    break;
  }
  request.record.status = response.status;
  const auto framing = framing_of(response, request.head.method);
  if (!framing) {
    co_return co_await fail(request, 502, "its host's answer has no clear end");
  }
  const auto& limits = proxy_.policy_.network.egress;
  if (framing->kind == Framing::Kind::length &&
      framing->bytes > left_of(limits.download_max_bytes, down_)) {
    co_return co_await refuse(request, limit_reached(download_leaf, too_much_to_receive));
  }
  const auto* encoding = find_header(response.fields, "Content-Encoding");
  if (credential != nullptr && encoding != nullptr && *encoding != "identity") {
    co_return co_await fail(request, 502, "its host encodes the answer, which cannot be checked");
  }
  auto fields = end_to_end(response.fields);
  const Mask mask(credential);
  for (auto& [name, value] : fields) {
    name = mask.whole(name);
    value = mask.whole(value);
  }
  const bool http_1_0 = request.head.minor == 0;
  const auto* wish = find_header(request.head.fields, "Connection");
  const auto* proxy_wish = find_header(request.head.fields, "Proxy-Connection");
  const auto wants_end = [](const std::string* value) {
    return value != nullptr && same_word(*value, "close");
  };
  const bool keep = !http_1_0 && !wants_end(wish) && !wants_end(proxy_wish);
  const bool counted = framing->kind == Framing::Kind::length;
  const bool chunked = !counted && framing->kind != Framing::Kind::none && !http_1_0;
  if (counted) fields.emplace_back("Content-Length", std::to_string(framing->bytes));
  if (chunked) fields.emplace_back("Transfer-Encoding", "chunked");
  if (framing->kind == Framing::Kind::none && request.head.method == "HEAD") {
    // Says how long the body would be.
    if (const auto* length = find_header(response.fields, "Content-Length")) {
      fields.emplace_back("Content-Length", *length);
    }
  } else if (framing->kind == Framing::Kind::none && response.status != 204 &&
             response.status != 304) {
    fields.emplace_back("Content-Length", "0");
  }
  fields.emplace_back("Connection", keep ? "keep-alive" : "close");
  co_await write(guest_, fmt::format("HTTP/1.1 {} {}\r\n{}\r\n", response.status,
                                     mask.whole(response.reason), to_text(fields)));
  if (!co_await pass_body(request, host, buffer, *framing, chunked, credential)) {
    co_return Next::close;
  }
  finish(request, "allowed");
  co_return keep ? Next::request : Next::close;
}

asio::awaitable<bool> EgressConnection::pass_body(Request& request, HttpTransport& host,
                                                  std::string& buffer, Framing framing,
                                                  bool chunked, const Credential* credential) {
  BodyReader body(framing);
  Mask mask(credential);
  const auto pass = [&](std::string content) -> asio::awaitable<void> {
    if (!content.empty()) co_await write(guest_, chunked ? chunk_of(content) : content);
  };
  while (!body.done()) {
    if (buffer.empty() && !co_await read_more(host, buffer, idle())) {
      if (body.end()) break;
      finish(request, "failed");
      co_return false;  // without its end, so that nobody takes it for whole
    }
    std::string_view bytes = buffer;
    std::string content;
    const bool well_formed = body.take(bytes, content);
    buffer.erase(0, buffer.size() - bytes.size());
    down_ += content.size();
    if (!well_formed) {
      finish(request, "failed");
      co_return false;
    }
    if (down_ > proxy_.policy_.network.egress.download_max_bytes) {
      auto refusal = limit_reached(download_leaf, too_much_to_receive);
      refusal.subject = request.subject();
      note(request, refusal);
      co_return false;
    }
    co_await pass(mask.pass(content));
  }
  co_await pass(mask.finish());
  if (chunked) co_await write(guest_, chunk_of(""));
  co_return true;
}

}  // namespace caisson
