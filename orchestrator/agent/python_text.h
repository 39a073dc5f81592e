// Just enough of Python's lexical rules to know where a block of code ends while it streams in,
// and to tell code from prose. Not a parser: what is wrong here is a SyntaxError in the sandbox.
#pragma once

#include <string>
#include <string_view>

namespace caisson {

// Follows string literals and comments, byte by byte. Prefixes (r, b, u, f) change nothing here: a
// backslash keeps the next quote from ending a string in raw strings too.
class PythonLexer {
 public:
  void feed(char byte);
  // The byte fed last is inside of a string literal, or is its closing quote.
  bool in_string() const { return state_ == State::string || state_ == State::string_ending; }
  bool in_comment() const { return state_ == State::comment; }

 private:
  enum class State {
    code,
    comment,
    quotes,         // one or two quotes came: an empty string, or a string, or a long one
    string,         // between quotes
    string_ending,  // in a long string, one or two quotes came
  };

  void in_code(char byte);
  void in_text(char byte);

  State state_ = State::code;
  char quote_ = 0;
  bool long_string_ = false;
  bool escaped_ = false;
  int quotes_ = 0;  // that came in a row
};

// Whether this could be Python: strings and brackets are closed, no two operands stand side by
// side ("the answer is"), no line ends in a dot or begins with an operator. Lines that begin with !
// or % (shell and magic commands) pass. True for the empty text.
bool plausible_python(std::string_view text);

// The same for the beginning of a line that is still growing: false as soon as nothing that
// follows could make it Python.
bool plausible_python_so_far(std::string_view line);

// A single word that people put between the tags when they talk of them: "code", "your_code_here",
// or a word that is not ASCII.
bool is_placeholder_word(std::string_view text);

// "..." or "…".
bool is_ellipsis(std::string_view text);

// Without white space at both ends.
std::string_view trim(std::string_view text);

// What stands between the tags, made runnable: CRLF becomes LF, blank lines at both ends go, one
// Markdown fence around it goes, common indentation goes.
std::string clean_code(std::string_view text);

}  // namespace caisson
