#include "orchestrator/cli/repl_text.h"

#include <utility>

namespace caisson {

// Keeps track of brackets and strings, and of the last thing on the line that is no comment.
void BlockLines::scan(std::string_view line) {
  char last = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char letter = line[at];
    if (!quote_.empty()) {
      if (letter == '\\') {
        ++at;
      } else if (line.substr(at).starts_with(quote_)) {
        at += quote_.size() - 1;
        quote_.clear();
        last = letter;
      }
      continue;
    }
    if (letter == '#') break;
    if (letter == '"' || letter == '\'') {
      const std::string three(3, letter);
      quote_ = line.substr(at).starts_with(three) ? three : std::string(1, letter);
      at += quote_.size() - 1;
      continue;
    }
    if (letter == '(' || letter == '[' || letter == '{') ++open_brackets_;
    if (letter == ')' || letter == ']' || letter == '}') --open_brackets_;
    if (letter != ' ' && letter != '\t' && letter != '\r') last = letter;
  }
  if (quote_.size() == 1) quote_.clear();  // it does not go on in the next line
  continued_ = quote_.empty() && last == '\\';
  if (last == ':' || line.starts_with('@')) compound_ = true;
}

bool BlockLines::add(std::string_view line) {
  const bool empty = line.find_first_not_of(" \t\r") == line.npos;
  if (empty && text_.empty()) return false;
  text_.append(line).append("\n");
  const bool in_string = !quote_.empty();
  scan(line);
  if (!quote_.empty() || open_brackets_ > 0 || continued_) return false;
  // An empty line in a string is a part of it.
  if (in_string && empty) return false;
  if (empty) return true;
  return typing_ == Typing::lines && !compound_;
}

std::string BlockLines::take() {
  open_brackets_ = 0;
  quote_.clear();
  compound_ = continued_ = false;
  return std::exchange(text_, {});
}

}  // namespace caisson
