#include "orchestrator/agent/python_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace caisson {

namespace {

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || byte >= 0x80;
}

bool is_keyword(std::string_view word) {
  constexpr std::array<std::string_view, 32> keywords = {
      "and",    "as",   "assert", "async",  "await",  "break",   "class",    "continue",
      "def",    "del",  "elif",   "else",   "except", "finally", "for",      "from",
      "global", "if",   "import", "in",     "is",     "lambda",  "nonlocal", "not",
      "or",     "pass", "raise",  "return", "try",    "while",   "with",     "yield"};
  return std::find(keywords.begin(), keywords.end(), word) != keywords.end();
}

bool is_soft_keyword(std::string_view word) {
  return word == "match" || word == "case" || word == "type";
}

// Keywords that stand between two operands only.
bool joins_operands(std::string_view word) {
  return word == "and" || word == "or" || word == "in" || word == "is" || word == "as";
}

// Walks over a text and says at the end, or on the way, that it is no Python.
class Judge {
 public:
  enum class Last { nothing, operand, string, keyword, word_operator, opening, dot, other };

  explicit Judge(std::string_view text) : text_(text) {}

  // False when some token cannot stand where it stands.
  bool walk() {
    while (at_ < text_.size()) {
      if (!step()) return false;
    }
    return true;
  }
  // The text is whole as it is.
  bool complete() const {
    return !open_string_ && brackets_.empty() && last_ != Last::dot && last_ != Last::word_operator;
  }

 private:
  bool step() {
    const char c = text_[at_];
    if (c == '\n') return end_line();
    if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
      ++at_;
      return true;
    }
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if (c == '\\') {
      at_ += at_ + 1 < text_.size() && text_[at_ + 1] == '\r' ? 3 : 2;
      return true;
    }
    const bool first = last_ == Last::nothing && brackets_.empty();
    if (first && (c == '!' || c == '%')) {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if (c == '\'' || c == '"') return string(at_);
    if (is_word(c)) return word(first);
    return sign(c, first);
  }

  bool end_line() {
    ++at_;
    if (!brackets_.empty()) return true;
    if (last_ == Last::dot || last_ == Last::word_operator) return false;
    last_ = Last::nothing;
    return true;
  }

  bool string(std::size_t quote) {
    if (last_ == Last::operand) return false;
    PythonLexer lexer;
    at_ = quote;
    lexer.feed(text_[at_++]);
    // Until the lexer says that the string is over: in_string() is false also on its first quotes.
    bool inside = false;
    for (; at_ < text_.size(); ++at_) {
      lexer.feed(text_[at_]);
      if (lexer.in_string()) {
        inside = true;
      } else if (inside) {
        if (text_[at_] == '\n') return false;
        ++at_;
        last_ = Last::string;
        return true;
      } else if (text_[at_] != text_[quote]) {
        last_ = Last::string;  // an empty string ended before this byte
        return true;
      }
    }
    // "" at the very end is an empty string.
    open_string_ = inside || at_ - quote != 2;
    last_ = Last::string;
    return true;
  }

  bool word(bool first) {
    const auto begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    const auto word = text_.substr(begin, at_ - begin);
    const bool number = std::isdigit(static_cast<unsigned char>(word[0])) != 0;
    // 1.5 and 1. are one operand; x.5 does not occur.
    if (number && at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    }
    const bool quote = at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"');
    if (quote && word.size() <= 2 && !number && !is_keyword(word)) return string(at_);
    if (is_keyword(word)) {
      if (joins_operands(word) && first) return false;
      last_ = joins_operands(word) || word == "not" ? Last::word_operator : Last::keyword;
      return true;
    }
    if (first && is_soft_keyword(word)) {
      last_ = Last::other;
      return true;
    }
    if (last_ == Last::operand || last_ == Last::string) return false;
    last_ = Last::operand;
    return true;
  }

  bool sign(char c, bool first) {
    ++at_;
    const char next = at_ < text_.size() ? text_[at_] : '\n';
    switch (c) {
      case '(':
      case '[':
      case '{':
        brackets_.push_back(c);
        last_ = Last::opening;
        return true;
      case ')':
      case ']':
      case '}': {
        const char opening = c == ')' ? '(' : c == ']' ? '[' : '{';
        if (brackets_.empty() || brackets_.back() != opening) return false;
        brackets_.pop_back();
        last_ = Last::operand;
        return true;
      }
      case '.':
        if (text_.substr(at_ - 1, 3) == "...") {
          at_ += 2;
          last_ = Last::operand;
          return true;
        }
        if (first && std::isdigit(static_cast<unsigned char>(next)) == 0) return false;
        last_ = Last::dot;
        return true;
      case '!':
        if (next != '=') return false;
        last_ = Last::other;
        return true;
      case '$':
      case '?':
      case '`':
        return false;
      default:
        // What may begin a line: @decorator, *a, b = c, -x, ~x. Semicolons begin a statement.
        if (first && std::string_view("@*-+~").find(c) == std::string_view::npos) return false;
        last_ = c == ';' && brackets_.empty() ? Last::nothing : Last::other;
        return true;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<char> brackets_;
  Last last_ = Last::nothing;
  bool open_string_ = false;
};

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (;;) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string_view strip_newlines(std::string_view text) {
  while (!text.empty() && text.front() == '\n') text.remove_prefix(1);
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lowered;
}

// A fence line: how many backticks or tildes, or 0. Only the languages that mean Python may follow.
std::size_t fence_length(std::string_view line) {
  line = trim(line);
  std::size_t length = 0;
  while (length < line.size() && line[length] == line[0]) ++length;
  if (length < 3 || (line[0] != '`' && line[0] != '~')) return 0;
  const auto language = lower(trim(line.substr(length)));
  const bool ours = language.empty() || language == "python" || language == "py" ||
                    language == "python3" || language == "tool_code";
  return ours ? length : 0;
}

// The first line opens a fence: it goes, and so does the line that closes it at the end. A fence
// that is not closed goes too, because what remains can only be meant as code.
std::string_view unfence(std::string_view text) {
  text = strip_newlines(text);
  const auto first_end = text.find('\n');
  if (first_end == std::string_view::npos) return text;
  const auto opening = trim(text.substr(0, first_end));
  const auto length = fence_length(opening);
  if (length == 0) return text;
  auto inside = text.substr(first_end + 1);
  const auto end = inside.find_last_not_of(" \t\n");
  if (end == std::string_view::npos) return {};
  const auto last_line = inside.rfind('\n', end);
  const auto begin = last_line == std::string_view::npos ? 0 : last_line + 1;
  if (trim(inside.substr(begin)) == opening.substr(0, length)) inside = inside.substr(0, begin);
  return inside;
}

std::string dedent(std::string_view text) {
  auto lines = split_lines(text);
  std::string_view common;
  bool any = false;
  for (auto& line : lines) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
      line = {};
      continue;
    }
    const auto indent = line.substr(0, begin);
    if (!any) common = indent;
    any = true;
    const auto end = std::mismatch(common.begin(), common.end(), indent.begin(), indent.end());
    common = common.substr(0, static_cast<std::size_t>(end.first - common.begin()));
  }
  std::string result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) result += '\n';
    if (!lines[i].empty()) result += lines[i].substr(common.size());
  }
  return result;
}

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n\f\v";
  const auto begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

bool plausible_python(std::string_view text) {
  Judge judge(text);
  return judge.walk() && judge.complete();
}

bool plausible_python_so_far(std::string_view line) {
  return Judge(line).walk();
}

bool is_ellipsis(std::string_view text) {
  return text == "..." || text == "…";
}

bool is_placeholder_word(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_word)) return false;
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  constexpr std::array<std::string_view, 9> words = {
      "code", "your_code", "your_code_here", "python", "block", "script", "tag", "tags", "here"};
  return !ascii || std::find(words.begin(), words.end(), lower(text)) != words.end();
}

std::string clean_code(std::string_view text) {
  std::string unix_lines;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    unix_lines += text[i];
  }
  std::string_view code = unix_lines;
  const bool first_line_shares_the_tag = !code.empty() && code.front() != '\n';
  code = unfence(code);
  std::string result = dedent(code);
  // "<execute> x = 1": the space after the tag is not indentation.
  if (first_line_shares_the_tag && !result.empty() && result[0] == ' ') {
    result.erase(0, result.find_first_not_of(' '));
  }
  return std::string(strip_newlines(result));
}

}  // namespace caisson
