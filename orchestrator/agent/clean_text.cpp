#include "orchestrator/agent/clean_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "sandbox/base/utf8.h"

namespace caisson {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

std::size_t character_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

char32_t decode(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  switch (character.size()) {
    case 1:
      return byte(0);
    case 2:
      return static_cast<char32_t>((byte(0) & 0x1F) << 6 | (byte(1) & 0x3F));
    case 3:
      return static_cast<char32_t>((byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 |
                                   (byte(2) & 0x3F));
    default:
      return static_cast<char32_t>((byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 |
                                   (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F));
  }
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

// Marks of the chat templates of Llama 2 and 3, ChatML, Mistral, Gemma, Phi, DeepSeek, Hermes; and
// of reasoning. "<|" and "<｜" stand for all that begin so.
constexpr std::string_view marks[] = {
    "<|",
    "<｜",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<s>",
    "</s>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<bos>",
    "<eos>",
    "<think>",
    "</think>",
    "<start_of_image>",
    "<end_of_image>",
    "<pad>",
    "<unk>",
    "[IMG]",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CALLS]",
    "[/TOOL_CALLS]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
};

bool is_mark(std::string_view text, const std::vector<std::string>& delimiters) {
  for (const auto mark : marks) {
    if (starts_with(text, mark)) return true;
  }
  for (std::string_view delimiter : delimiters) {
    // Without what ends it, so that attributes do not hide it and a fence's line break may vary.
    while (!delimiter.empty() && (delimiter.back() == '>' || delimiter.back() == '\n')) {
      delimiter.remove_suffix(1);
    }
    if (!delimiter.empty() && starts_with(text, delimiter)) return true;
  }
  return false;
}

}  // namespace

bool is_deceptive(char32_t code) {
  // Joiners and variation selectors go too: an emoji loses its colour, a mark of a chat template
  // cannot hide.
  constexpr std::pair<char32_t, char32_t> ranges[] = {
      {0x00AD, 0x00AD},   {0x034F, 0x034F},  {0x061C, 0x061C}, {0x115F, 0x1160}, {0x17B4, 0x17B5},
      {0x180B, 0x180F},   {0x200B, 0x200F},  {0x2028, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},
      {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},  {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3},
      {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};
  return code >= 0xAD &&
         std::any_of(std::begin(ranges), std::end(ranges), [code](const auto& range) {
           return code >= range.first && code <= range.second;
         });
}

std::string Utf8Pieces::feed(std::string_view bytes) {
  rest_ += bytes;
  std::string out;
  std::string_view left = rest_;
  while (!left.empty()) {
    const auto valid = invalid_utf8(left);
    out += left.substr(0, valid);
    left.remove_prefix(valid);
    if (left.empty()) break;
    // The beginning of a character whose other bytes are still to come?
    const auto first = static_cast<unsigned char>(left[0]);
    const bool may_go_on = first >= 0xC2 && first <= 0xF4 &&
                           left.size() < character_length(left[0]) &&
                           std::all_of(left.begin() + 1, left.end(), continues_character);
    if (may_go_on) break;
    out += replacement;
    left.remove_prefix(1);
  }
  rest_ = std::string(left);
  return out;
}

std::string Utf8Pieces::finish() {
  std::string out;
  if (!std::exchange(rest_, {}).empty()) out = replacement;
  return out;
}

std::string TextCleaner::feed(std::string_view utf8) {
  std::string out;
  while (!utf8.empty()) {
    const auto character = utf8.substr(0, character_length(utf8[0]));
    utf8.remove_prefix(character.size());
    take(character, decode(character), out);
  }
  return out;
}

void TextCleaner::take(std::string_view character, char32_t code, std::string& out) {
  switch (state_) {
    case State::escape:
      state_ = code == '[' ? State::csi
               : code == ']' || code == 'P' || code == 'X' || code == '^' || code == '_'
                   ? State::string
               : code >= 0x20 && code < 0x30 ? State::charset
                                             : State::text;
      return;
    case State::charset:
      if (code < 0x20 || code >= 0x30) state_ = State::text;
      return;
    case State::csi:
      // Parameters and intermediates go on until a final byte. A line end is none: what was cut
      // must not swallow the lines after it.
      if (code == '\n') break;
      if (code >= 0x40 && code <= 0x7E) state_ = State::text;
      return;
    case State::string:
      if (code == '\n') break;
      if (code == 0x07 || code == 0x9C) state_ = State::text;
      if (code == 0x1B) state_ = State::string_escape;
      return;
    case State::string_escape:
      if (code == '\n') break;
      state_ = code == '\\' ? State::text : State::string;
      return;
    case State::text:
      break;
  }
  state_ = State::text;
  const bool after_cr = std::exchange(after_cr_, code == '\r');
  if (after_cr && code != '\n') out += '\r';
  if (code == 0x1B) {
    state_ = State::escape;
  } else if (code == 0x9B) {
    state_ = State::csi;
  } else if (code == 0x9D || code == 0x90 || code == 0x98 || code == 0x9E || code == 0x9F) {
    state_ = State::string;
  } else if (code == 0x2028 || code == 0x2029) {
    out += '\n';
  } else if (code == '\n' || code == '\t' ||
             (code >= 0x20 && code != 0x7F && !(code >= 0x80 && code < 0xA0) &&
              !is_deceptive(code))) {
    out += character;
  }
}

std::string clean_text(std::string_view bytes) {
  Utf8Pieces pieces;
  auto utf8 = pieces.feed(bytes);
  utf8 += pieces.finish();
  const auto text = TextCleaner().feed(utf8);
  std::string out;
  std::size_t line = 0;
  for (const char c : text) {
    if (c == '\r') {
      out.resize(line);
      continue;
    }
    out += c;
    if (c == '\n') line = out.size();
  }
  return out;
}

std::string neutralise(std::string_view text, const std::vector<std::string>& delimiters) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto length = std::min(character_length(text[i]), text.size() - i);
    out += text.substr(i, length);
    if (is_mark(text.substr(i), delimiters)) out += '\\';
    i += length;
  }
  return out;
}

std::string head_and_tail(std::string_view text, std::size_t limit_bytes) {
  if (text.size() <= limit_bytes) return std::string(text);
  auto head = limit_bytes / 2;
  auto tail = text.size() - (limit_bytes - head);
  while (head > 0 && continues_character(text[head])) --head;
  while (tail < text.size() && continues_character(text[tail])) ++tail;
  // A line end within the last quarter of the head, and the first quarter of the tail.
  const auto before = text.substr(0, head).rfind('\n');
  if (before != std::string_view::npos && before >= head - head / 4) head = before + 1;
  const auto after = text.find('\n', tail);
  if (after != std::string_view::npos && after < tail + limit_bytes / 8) tail = after + 1;
  const bool at_line_end = head > 0 && text[head - 1] == '\n';
  return fmt::format("{}{}[… {} of {} bytes left out …]\n{}", text.substr(0, head),
                     at_line_end ? "" : "\n", tail - head, text.size(), text.substr(tail));
}

std::vector<std::size_t> fair_shares(const std::vector<std::size_t>& wanted, std::size_t budget) {
  std::vector<std::size_t> shares(wanted.size(), 0);
  std::vector<std::size_t> order(wanted.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
  for (std::size_t done = 0; done < order.size(); ++done) {
    const auto share = std::min(wanted[order[done]], budget / (order.size() - done));
    shares[order[done]] = share;
    budget -= share;
  }
  return shares;
}

}  // namespace caisson
