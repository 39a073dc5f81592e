#include "sandbox/policy/host_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/policy/address.h"
#include "sandbox/policy/units.h"

namespace caisson {
namespace {

constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_label = 63;

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

// Quoted for a message: bytes that are not plain ASCII are written as numbers.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char letter : text.substr(0, 100)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte > 0x7e) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += letter;
    }
  }
  return out + (text.size() > 100 ? "…'" : "'");
}

Error bad(std::string_view text, std::string_view why) {
  return Error(Errc::bad_input, fmt::format("{} is not a host name: {}", quoted(text), why));
}

Result<std::string> canonical_ipv6(std::string_view text) {
  const auto inside = text.substr(1, text.size() - 2);
  if (inside.find('%') != inside.npos) return bad(text, "an address with a zone");
  const auto address = parse_address(inside);
  if (!address || !address->v6) return bad(text, "not an IPv6 address");
  if (embeds_ipv4(*address)) return bad(text, "an IPv4 address in IPv6 form");
  return to_text(*address);
}

std::string label_problem(std::string_view label) {
  if (label.empty()) return "an empty label";
  if (label.size() > longest_label) return "a label of more than 63 letters";
  if (label.front() == '-' || label.back() == '-') return "a label that begins or ends with '-'";
  for (const char letter : label) {
    const bool fine =
        (letter >= 'a' && letter <= 'z') || is_digit(letter) || letter == '-' || letter == '_';
    if (fine) continue;
    const auto byte = static_cast<unsigned char>(letter);
    if (byte > 0x7f) return "letters beyond ASCII (write it in its xn-- form)";
    return byte < 0x20 ? "a control character" : fmt::format("'{}' cannot be in one", letter);
  }
  return "";
}

// As resolvers of C libraries read it: "0x7f.1", "2130706433" and "0177.0.0.1" are addresses.
bool is_like_a_number(std::string_view label) {
  if (label.starts_with("0x")) return true;
  return !label.empty() && std::all_of(label.begin(), label.end(), is_digit);
}

}  // namespace

Result<std::string> canonical_host(std::string_view text) {
  if (text.empty()) return bad(text, "it is empty");
  if (text.size() > longest_name) return bad(text, "longer than 253 letters");
  if (text.front() == '[') {
    if (text.back() != ']') return bad(text, "a bracket that is not closed");
    return canonical_ipv6(text);
  }
  std::string host(text);
  for (char& letter : host) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  if (host.back() == '.') return bad(text, "a dot at its end");
  std::string_view last;
  for (std::string_view rest = host;;) {
    const auto dot = rest.find('.');
    last = rest.substr(0, dot);
    if (const auto problem = label_problem(last); !problem.empty()) return bad(text, problem);
    if (dot == rest.npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (!is_like_a_number(last)) return host;
  // inet_pton(3), which reads it here, wants four decimal parts without leading zeros.
  const auto address = parse_address(host);
  if (!address) return bad(text, "an address must have four decimal parts");
  return to_text(*address);
}

Result<HostPort> parse_authority(std::string_view text) {
  const auto bracket = text.starts_with('[') ? text.find(']') : text.npos;
  const auto colon = text.find(':', bracket == text.npos ? 0 : bracket);
  auto host = canonical_host(text.substr(0, colon));
  if (!host) return host.error();
  HostPort parsed{std::move(*host), 0};
  if (colon == text.npos) return parsed;
  const auto digits = text.substr(colon + 1);
  const auto port = digits.size() <= 5 ? parse_whole(digits) : std::nullopt;
  if (!port || *port == 0 || *port > 65535) {
    return Error(Errc::bad_input, fmt::format("{} is not a port (1 to 65535)", quoted(digits)));
  }
  parsed.port = static_cast<std::uint16_t>(*port);
  return parsed;
}

std::string problem_of_pattern(std::string_view pattern) {
  if (pattern == "*") return "every host cannot be allowed: name the hosts";
  auto name = pattern;
  const bool wild = pattern.starts_with("*.");
  if (wild) name.remove_prefix(2);
  if (name.find('*') != name.npos) return "'*' can only stand for the first label";
  const auto host =
      canonical_host(name.find(':') != name.npos ? fmt::format("[{}]", name) : std::string(name));
  if (!host) return host.error().message;
  if (*host != name) return fmt::format("write it as '{}{}'", wild ? "*." : "", *host);
  if (wild && (name.find('.') == name.npos || parse_address(name))) {
    return "'*' needs a name of two labels or more after it";
  }
  return "";
}

bool host_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const auto dot = host.find('.');
  return dot != host.npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

}  // namespace caisson
