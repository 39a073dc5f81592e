#include "sandbox/policy/url_path.h"

#include <algorithm>
#include <cctype>

namespace caisson {
namespace {

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  const char lower = static_cast<char>(letter | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "." and "..", also with parameters behind, which some servers cut off first.
bool is_dot_segment(std::string_view segment) {
  segment = segment.substr(0, segment.find(';'));
  return segment == "." || segment == "..";
}

bool is_ambiguous(std::string_view path) {
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto segment = path.substr(at, end - at);
    if (is_dot_segment(segment) || (segment.empty() && end != path.size())) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

std::optional<std::string> plain_path(std::string_view target) {
  target = target.substr(0, target.find('?'));
  if (!target.starts_with('/')) return std::nullopt;
  std::string path;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const auto byte = static_cast<unsigned char>(target[i]);
    if (byte <= 0x20 || byte >= 0x7f || byte == '\\' || byte == '#') return std::nullopt;
    if (byte != '%') {
      path += target[i];
      continue;
    }
    if (i + 2 >= target.size()) return std::nullopt;
    const int high = hex_digit(target[i + 1]);
    const int low = hex_digit(target[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    const int code = high * 16 + low;
    if (code == '/' || code == '\\' || code == '.' || code == '%' || code == ';' || code < 0x20 ||
        code == 0x7f) {
      return std::nullopt;
    }
    const bool plain =
        code < 0x80 && (std::isalnum(code) != 0 || code == '-' || code == '_' || code == '~');
    if (plain) {
      path += static_cast<char>(code);
    } else {
      path.append(target.substr(i, 3));
    }
    i += 2;
  }
  if (is_ambiguous(path)) return std::nullopt;
  return path;
}

// Goes back to the last star when what follows does not fit; a "**" may take slashes.
bool path_matches(std::string_view pattern, std::string_view path) {
  std::size_t p = 0;
  std::size_t at = 0;
  struct Star {
    std::size_t pattern = std::string_view::npos;
    std::size_t path = 0;
  } any, part;
  while (at < path.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      const bool deep = pattern.substr(p).starts_with("**");
      p += deep ? 2 : 1;
      (deep ? any : part) = {p, at};
      if (deep) part = {};
      continue;
    }
    if (p < pattern.size() && pattern[p] == path[at]) {
      ++p;
      ++at;
      continue;
    }
    if (part.pattern != pattern.npos && path[part.path] != '/') {
      p = part.pattern;
      at = ++part.path;
    } else if (any.pattern != pattern.npos) {
      p = any.pattern;
      at = ++any.path;
      part = {};
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace caisson
