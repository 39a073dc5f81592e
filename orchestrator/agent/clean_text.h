// Text that the sandboxed code or the model wrote, made fit for a terminal and for a prompt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caisson {

// Unicode characters that reorder text (as in the "Trojan Source" attacks) or are not seen at all.
bool is_deceptive(char32_t code);

// Puts pieces of UTF-8 together that were cut inside of a character.
class Utf8Pieces {
 public:
  // The whole characters so far; bytes that cannot be UTF-8 become U+FFFD.
  std::string feed(std::string_view bytes);
  // What is left at the end.
  std::string finish();

 private:
  std::string rest_;
};

// Takes out what steers a terminal or hides from the eye: escape sequences (also 8-bit ones),
// control characters other than newline, tab and carriage return, marks that change the direction
// of text, invisible tag characters. CRLF becomes LF; other carriage returns stay. Works on pieces:
// a sequence may be cut anywhere, a character may not.
class TextCleaner {
 public:
  std::string feed(std::string_view utf8);

 private:
  enum class State { text, escape, charset, csi, string, string_escape };

  void take(std::string_view character, char32_t code, std::string& out);

  State state_ = State::text;
  bool after_cr_ = false;
};

// All of a text: cleaned, and carriage returns obeyed, so that of a progress bar its last state
// remains.
std::string clean_text(std::string_view bytes);

// Makes words harmless that mean something to a model or to us when they stand in data: our
// delimiters and reasoning tags in any case of letters, and the marks of chat templates
// ("<|im_start|>", "[INST]", "<start_of_turn>"). A backslash is put behind their first character,
// so a reader still sees what it was.
std::string neutralise(std::string_view text, const std::vector<std::string>& delimiters);

// At most `limit_bytes` of a text and a note: its beginning and its end, and between them how many
// of how many bytes are left out. Cut at line ends where one is near, never inside a character.
std::string head_and_tail(std::string_view text, std::size_t limit_bytes);

// Divides a budget fairly: whoever wants less than an equal share leaves the rest to the others.
std::vector<std::size_t> fair_shares(const std::vector<std::size_t>& wanted, std::size_t budget);

}  // namespace caisson
