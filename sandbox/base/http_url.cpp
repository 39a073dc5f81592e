// The parts of the HTTP client that are functions of text.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "sandbox/base/http_client.h"

namespace caisson {
namespace {

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
}

bool same_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto piece = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < piece.size() ? static_cast<unsigned char>(piece[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= piece.size() ? digits[bits >> (18 - 6 * i) & 63U] : '=';
    }
  }
  return text;
}

// The login in a proxy's URL is percent-encoded.
std::string percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    if (text[at] == '%' && at + 2 < text.size() &&
        std::from_chars(text.data() + at + 1, text.data() + at + 3, byte, 16).ptr ==
            text.data() + at + 3) {
      plain += static_cast<char>(byte);
      at += 2;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

struct Parts {
  std::string scheme;
  std::string login;
  std::string host;
  std::uint16_t port = 0;  // 0: not said
  std::string path;
};

Result<Parts> split(std::string_view text) {
  const auto bad = [text](const char* why) {
    return Error(Errc::bad_input, fmt::format("'{}' is not a usable URL: {}", text, why));
  };
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7f; })) {
    return bad("it has spaces or control characters");
  }
  Parts parts;
  const auto colon = text.find("://");
  if (colon == text.npos) return bad("it has no scheme (http://host:port, https://host)");
  for (const char letter : text.substr(0, colon)) parts.scheme += lower(letter);
  auto rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto slash = std::min(rest.find_first_of("/?"), rest.size());
  auto authority = rest.substr(0, slash);
  parts.path = rest.substr(slash);
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    parts.login = percent_decoded(authority.substr(0, at));
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == authority.npos) return bad("'[' without ']'");
    parts.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const auto end = std::min(authority.find(':'), authority.size());
    parts.host = authority.substr(0, end);
    port = authority.substr(end);
  }
  if (!port.empty()) {
    const auto digits = port.substr(1);
    const auto done = std::from_chars(digits.data(), digits.data() + digits.size(), parts.port);
    if (port[0] != ':' || done.ec != std::errc() || done.ptr != digits.data() + digits.size() ||
        parts.port == 0) {
      return bad("the port is not a number from 1 to 65535");
    }
  }
  return parts;
}

bool is_loopback(const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return error ? same_ignoring_case(host, "localhost") : address.is_loopback();
}

// One entry of NO_PROXY: "*", "host", ".domain", "*.domain", "host:port".
bool excludes(std::string_view entry, const HttpTarget& target) {
  if (entry == "*") return true;
  if (const auto colon = entry.rfind(':'); colon != entry.npos && entry.find(':') == colon) {
    if (entry.substr(colon + 1) != std::to_string(target.port)) return false;
    entry = entry.substr(0, colon);
  }
  if (entry.starts_with('*')) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  const std::string_view host = target.host;
  if (entry.empty() || host.size() < entry.size()) return false;
  const auto tail = host.substr(host.size() - entry.size());
  return same_ignoring_case(tail, entry) &&
         (host.size() == entry.size() || host[host.size() - entry.size() - 1] == '.');
}

}  // namespace

const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(), [name](const auto& header) {
    return same_ignoring_case(header.first, name);
  });
  return found == headers.end() ? nullptr : &found->second;
}

std::string HttpTarget::description() const {
  if (transport == Transport::unix_socket) return unix_path;
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port)
                                     : fmt::format("[{}]:{}", host, port);
}

Result<Url> parse_url(std::string_view text) {
  auto parts = split(text);
  if (!parts) return parts.error();
  Url url;
  const auto bad = [text](const char* why) {
    return Error(Errc::bad_input, fmt::format("'{}' is not a usable URL: {}", text, why));
  };
  if (parts->scheme == "unix") {
    if (!parts->host.empty() || parts->path.size() < 2) return bad("write unix:///path/to/socket");
    url.target.transport = HttpTarget::Transport::unix_socket;
    url.target.host = "localhost";
    url.target.unix_path = parts->path;
    return url;
  }
  if (parts->scheme != "http" && parts->scheme != "https") {
    return bad("the scheme must be http, https or unix");
  }
  if (parts->host.empty()) return bad("it has no host");
  if (!parts->login.empty()) return bad("a login in it would end up in logs; use a header");
  const bool secure = parts->scheme == "https";
  url.target.transport = secure ? HttpTarget::Transport::tls : HttpTarget::Transport::tcp;
  url.target.host = parts->host;
  url.target.port = parts->port != 0 ? parts->port : static_cast<std::uint16_t>(secure ? 443 : 80);
  url.path = parts->path;
  while (url.path.ends_with('/')) url.path.pop_back();
  return url;
}

Result<std::optional<HttpProxy>> choose_proxy(const ProxySettings& settings,
                                              const HttpTarget& target) {
  std::optional<HttpProxy> none;
  if (target.transport == HttpTarget::Transport::unix_socket || is_loopback(target.host)) {
    return none;
  }
  const bool secure = target.transport == HttpTarget::Transport::tls;
  std::string text = secure ? settings.https : settings.http;
  if (text.empty()) return none;
  std::string_view rest = settings.no;
  while (!rest.empty()) {
    const auto end = std::min(rest.find_first_of(", "), rest.size());
    if (excludes(rest.substr(0, end), target)) return none;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (text.find("://") == text.npos) text = "http://" + text;
  auto parts = split(text);
  const char* variable = secure ? "HTTPS_PROXY" : "HTTP_PROXY";
  if (!parts) return Error(Errc::bad_input, fmt::format("{}: {}", variable, parts.error().message));
  if (parts->scheme != "http" || parts->host.empty()) {
    return Error(Errc::bad_input,
                 fmt::format("{}: only proxies that are spoken to in plain HTTP are supported "
                             "(http://host:port)",
                             variable));
  }
  HttpProxy proxy;
  proxy.host = parts->host;
  proxy.port = parts->port != 0 ? parts->port : std::uint16_t{80};
  if (!parts->login.empty()) proxy.authorization = "Basic " + base64(parts->login);
  return std::optional<HttpProxy>(std::move(proxy));
}

}  // namespace caisson
