#include "orchestrator/cli/terminal.h"

#include <fmt/format.h>

#include <charconv>

#include "orchestrator/agent/clean_text.h"
#include "sandbox/base/utf8.h"

namespace caisson {

namespace {

std::size_t character_length(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

// Of a character that is whole.
char32_t decode(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  char32_t code = character.size() == 1 ? first : first & (0x7Fu >> character.size());
  for (const char next : character.substr(1)) {
    code = code << 6 | (static_cast<unsigned char>(next) & 0x3F);
  }
  return code;
}

}  // namespace

std::string json_line(const nlohmann::json& value) {
  return value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const auto valid = invalid_utf8(text);
    for (std::size_t i = 0; i < valid; ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      const auto length = character_length(byte);
      const auto code = decode(text.substr(i, length));
      if (code >= 0x80 && code < 0xA0) {
        shown += fmt::format("\\x{:02x}", static_cast<unsigned>(code));
        ++i;
      } else if (is_deceptive(code)) {
        const auto number = static_cast<unsigned>(code);
        shown +=
            code > 0xFFFF ? fmt::format("\\U{:08x}", number) : fmt::format("\\u{:04x}", number);
        i += length - 1;
      } else if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
        shown += byte == '\r' ? "\\r" : fmt::format("\\x{:02x}", byte);
      } else {
        shown += text[i];
      }
    }
    text.remove_prefix(valid);
    if (!text.empty()) {
      shown += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
  return shown;
}

std::string describe(const SessionState& state) {
  switch (state.change) {
    case StateChange::committed:
      return "kept";
    case StateChange::rolled_back:
      return state.checkpoint == 0 ? "rolled back to the start of the session"
                                   : fmt::format("rolled back to block {}", state.checkpoint);
    case StateChange::unchanged:
      return "unchanged";
    case StateChange::lost:
      return "lost";
  }
  return "lost";
}

Result<std::chrono::milliseconds> parse_time(const std::string& text) {
  if (text.empty()) return std::chrono::milliseconds{};
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  const double factor = unit == "ms"  ? 1
                        : unit == "s" ? 1e3
                        : unit == "m" ? 60e3
                        : unit == "h" ? 3.6e6
                                      : 0;
  if (error != std::errc() || factor == 0 || !(number > 0) || number * factor > 1e12 ||
      number * factor < 1) {
    return Error(Errc::bad_input, fmt::format("'{}' is not a time (try 500ms, 10s, 2m)", text));
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(number * factor));
}

}  // namespace caisson
