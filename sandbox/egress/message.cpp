#include "sandbox/egress/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sandbox/policy/host_name.h"
#include "sandbox/policy/units.h"

namespace caisson {
namespace {

constexpr std::string_view line_end = "\r\n";

Error broken(std::string_view what) {
  return Error(Errc::protocol, std::string(what));
}

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(letter) != std::string_view::npos;
  });
}

bool is_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes one line off `rest`.
std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find(line_end);
  const auto line = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end == rest.npos ? end : end + line_end.size()));
  return line;
}

Result<HttpHeaders> parse_fields(std::string_view rest) {
  HttpHeaders fields;
  for (auto line = take_line(rest); !line.empty(); line = take_line(rest)) {
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (line.front() == ' ' || line.front() == '\t') return broken("a folded header");
    if (colon == line.npos || !is_token(name)) return broken("a header without a proper name");
    const auto value = trimmed(line.substr(colon + 1));
    if (!is_text(value)) return broken("a control character in a header");
    fields.emplace_back(name, value);
  }
  return fields;
}

Result<int> parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return 1;
  if (text == "HTTP/1.0") return 0;
  return broken("only HTTP/1.0 and HTTP/1.1 are spoken here");
}

// Every value of a field, split at commas.
std::vector<std::string> values_of(const HttpHeaders& fields, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [known, value] : fields) {
    if (!same_word(known, name)) continue;
    for (std::string_view rest = value;;) {
      const auto comma = rest.find(',');
      values.emplace_back(trimmed(rest.substr(0, comma)));
      if (comma == rest.npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return values;
}

Result<Framing> framing_of_fields(const HttpHeaders& fields) {
  const auto encodings = values_of(fields, "Transfer-Encoding");
  const auto lengths = values_of(fields, "Content-Length");
  if (!encodings.empty() && !lengths.empty()) {
    return broken("a body with both a length and a transfer encoding");
  }
  if (!encodings.empty()) {
    if (encodings.size() != 1 || !same_word(encodings[0], "chunked")) {
      return broken("a transfer encoding other than chunked");
    }
    return Framing{Framing::Kind::chunked, 0};
  }
  if (lengths.empty()) return Framing{};
  if (lengths.size() != 1) return broken("more than one length");
  const auto bytes = parse_whole(lengths[0]);
  if (!bytes) return broken("a length that is no number");
  return Framing{Framing::Kind::length, *bytes};
}

}  // namespace

bool same_word(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<std::size_t> head_size(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return std::nullopt;
  return end + 4;
}

Result<RequestHead> parse_request(std::string_view head) {
  auto rest = head;
  const auto line = take_line(rest);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == line.npos || first == last) return broken("a request line without three parts");
  RequestHead request;
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  if (!is_token(request.method)) return broken("a method that is no word");
  const bool plain = std::all_of(request.target.begin(), request.target.end(), [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte > 0x20 && byte < 0x7f;
  });
  if (request.target.empty() || !plain) return broken("a target with spaces or other bytes");
  const auto minor = parse_version(line.substr(last + 1));
  if (!minor) return minor.error();
  request.minor = *minor;
  auto fields = parse_fields(rest);
  if (!fields) return fields.error();
  request.fields = std::move(*fields);
  return request;
}

Result<ResponseHead> parse_response(std::string_view head) {
  auto rest = head;
  const auto line = take_line(rest);
  const auto minor = parse_version(line.substr(0, 8));
  if (!minor) return minor.error();
  const auto status = line.size() >= 12 ? parse_whole(line.substr(9, 3)) : std::nullopt;
  if (!status || *status < 100 || line[8] != ' ') return broken("a status line without a status");
  ResponseHead response;
  response.minor = *minor;
  response.status = static_cast<unsigned>(*status);
  response.reason = trimmed(line.substr(12));
  if (!is_text(response.reason)) return broken("a control character in the status line");
  auto fields = parse_fields(rest);
  if (!fields) return fields.error();
  response.fields = std::move(*fields);
  return response;
}

Result<Framing> framing_of(const RequestHead& request) {
  auto framing = framing_of_fields(request.fields);
  if (framing && framing->kind == Framing::Kind::chunked && request.minor == 0) {
    return broken("a transfer encoding in HTTP/1.0");
  }
  return framing;
}

Result<Framing> framing_of(const ResponseHead& response, std::string_view method) {
  auto framing = framing_of_fields(response.fields);
  if (!framing) return framing;
  const auto status = response.status;
  if (method == "HEAD" || status < 200 || status == 204 || status == 304) return Framing{};
  if (framing->kind == Framing::Kind::none) framing->kind = Framing::Kind::until_close;
  return framing;
}

Result<ProxyTarget> target_of(const RequestHead& request) {
  const auto bad = [](std::string text) { return Error(Errc::bad_input, std::move(text)); };
  ProxyTarget target;
  target.tunnel = request.method == "CONNECT";
  std::string_view authority = request.target;
  std::uint16_t default_port = 80;
  if (!target.tunnel) {
    constexpr std::string_view scheme = "http://";
    if (!same_word(authority.substr(0, scheme.size()), scheme)) {
      return bad(same_word(authority.substr(0, 8), "https://")
                     ? "a proxy is asked for https by CONNECT"
                     : "a proxy is asked for a whole URL: http://host/path");
    }
    authority.remove_prefix(scheme.size());
    const auto end = std::min(authority.find_first_of("/?#"), authority.size());
    target.path = authority.substr(end);
    authority = authority.substr(0, end);
    if (target.path.find('#') != std::string::npos) return bad("a fragment in a request");
    if (!target.path.starts_with('/')) target.path.insert(0, "/");
  }
  const auto place = parse_authority(authority);
  if (!place) return place.error();
  if (target.tunnel && place->port == 0) return bad("CONNECT needs a port");
  target.host = place->host;
  target.port = place->port == 0 ? default_port : place->port;

  const std::string* host = nullptr;
  for (const auto& [name, value] : request.fields) {
    if (!same_word(name, "Host")) continue;
    if (host != nullptr) return bad("two Host headers");
    host = &value;
  }
  if (host == nullptr && request.minor == 0) return target;
  if (host == nullptr) return bad("no Host header");
  const auto said = parse_authority(*host);
  if (!said) return bad("Host header: " + said.error().message);
  // A tunnel's Host may leave the port out, or give that of the scheme.
  const auto port = said->port == 0 ? (target.tunnel ? target.port : default_port) : said->port;
  if (said->host != target.host || port != target.port) {
    return bad("the Host header names another place than the request itself");
  }
  return target;
}

HttpHeaders end_to_end(const HttpHeaders& fields) {
  static constexpr std::array<std::string_view, 13> of_one_hop{"connection",
                                                               "keep-alive",
                                                               "proxy-connection",
                                                               "proxy-authenticate",
                                                               "proxy-authorization",
                                                               "te",
                                                               "trailer",
                                                               "transfer-encoding",
                                                               "upgrade",
                                                               "http2-settings",
                                                               "content-length",
                                                               "host",
                                                               "expect"};
  const auto named = values_of(fields, "Connection");
  HttpHeaders kept;
  for (const auto& field : fields) {
    const auto is = [&field](std::string_view name) { return same_word(field.first, name); };
    if (std::any_of(of_one_hop.begin(), of_one_hop.end(), is)) continue;
    if (std::any_of(named.begin(), named.end(), is)) continue;
    kept.push_back(field);
  }
  return kept;
}

std::string to_text(const HttpHeaders& fields) {
  std::string text;
  for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
  return text;
}

}  // namespace caisson
