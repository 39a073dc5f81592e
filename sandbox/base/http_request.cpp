#include "sandbox/base/http_request.h"

#include <fmt/format.h>

#include <algorithm>

namespace caisson {
namespace {

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char letter) {
    const auto code = static_cast<unsigned char>(letter);
    return (code < 0x20 && code != '\t') || code == 0x7f;
  });
}

}  // namespace

Result<void> check_request(const HttpRequest& request) {
  const auto bad = [](std::string_view what) {
    return Error(Errc::bad_input,
                 fmt::format("HTTP request: {} has characters that cannot be sent", what));
  };
  if (request.target.find(' ') != std::string::npos || has_control_characters(request.target)) {
    return bad("the target");
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || name.find_first_of(" :\t") != std::string::npos ||
        has_control_characters(name)) {
      return bad("the name of a header");
    }
    // Not the value: it may be an API key.
    if (has_control_characters(value)) return bad("the header " + name);
  }
  return boost::system::in_place_value;
}

namespace {

std::string host_header(const HttpTarget& target) {
  if (target.transport == HttpTarget::Transport::unix_socket) {
    return target.host.empty() ? "localhost" : target.host;
  }
  const bool usual = target.port == (target.transport == HttpTarget::Transport::tls ? 443 : 80);
  const auto all = target.description();
  return usual ? all.substr(0, all.rfind(':')) : all;
}

}  // namespace

std::string request_head(const HttpTarget& target, const HttpRequest& request,
                         std::uint64_t length) {
  std::string head = request.method + " ";
  const bool through_proxy = target.proxy && target.transport == HttpTarget::Transport::tcp;
  if (through_proxy) head += "http://" + host_header(target);
  head += request.target + " HTTP/1.1\r\nHost: " + host_header(target) + "\r\n";
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  if (through_proxy && !target.proxy->authorization.empty()) {
    head += "Proxy-Authorization: " + target.proxy->authorization + "\r\n";
  }
  if (find_header(request.headers, "User-Agent") == nullptr) head += "User-Agent: caisson\r\n";
  head += "Accept-Encoding: identity\r\n";
  if (length != 0 || (request.method != "GET" && request.method != "HEAD")) {
    head += fmt::format("Content-Length: {}\r\n", length);
  }
  head += request.upgrade.empty()
              ? std::string("Connection: close\r\n\r\n")
              : fmt::format("Connection: Upgrade\r\nUpgrade: {}\r\n\r\n", request.upgrade);
  return head;
}

}  // namespace caisson
