#include "orchestrator/llm/lenient_json.h"

#include <optional>
#include <string>

#include "sandbox/base/json.h"
#include "sandbox/base/utf8.h"

namespace caisson {
namespace {

// The value of the escape \uXXXX that starts at `at`.
std::optional<unsigned> unicode_escape(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) != "\\u" || text.size() < at + 6) return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(at + 2, 4)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value;
}

bool is_high(unsigned unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
bool is_low(unsigned unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

std::string repair(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    if (in_string && text[i] == '\\') {
      const auto unit = unicode_escape(text, i);
      if (!unit) {
        repaired += text.substr(i, 2);
        i += 2;
        continue;
      }
      const auto next = unicode_escape(text, i + 6);
      if (is_high(*unit) && next && is_low(*next)) {
        repaired += text.substr(i, 12);
        i += 12;
        continue;
      }
      repaired += is_high(*unit) || is_low(*unit) ? std::string_view("\\ufffd") : text.substr(i, 6);
      i += 6;
      continue;
    }
    if (text[i] == '"') in_string = !in_string;
    bool replaced = false;
    for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (!in_string && text.substr(i).starts_with(word)) {
        repaired += "null";
        i += word.size();
        replaced = true;
        break;
      }
    }
    if (!replaced) repaired += text[i++];
  }
  return repaired;
}

std::string replace_invalid_utf8(std::string_view text) {
  // One U+FFFD for each cut character, as every decoder does it.
  const auto quoted = to_text(nlohmann::json(std::string(text)));
  return nlohmann::json::parse(quoted, nullptr, false).get<std::string>();
}

}  // namespace

Result<nlohmann::json> parse_lenient_json(std::string_view text) {
  auto value = parse_json(text);
  if (value || value.error().code == Errc::too_large) return value;
  if (invalid_utf8(text) != text.size()) return parse_json(repair(replace_invalid_utf8(text)));
  return parse_json(repair(text));
}

}  // namespace caisson
