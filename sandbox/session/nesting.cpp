#include "sandbox/session/nesting.h"

#include <string>
#include <vector>

namespace caisson {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view code) : code_(code) {}

  Nesting run() {
    while (at_ < code_.size()) {
      if (at_line_start_) read_indentation();
      if (at_ < code_.size()) read_token();
    }
    return deepest_;
  }

 private:
  bool next_is(std::string_view text) const { return code_.substr(at_).starts_with(text); }

  void read_indentation() {
    at_line_start_ = false;
    std::size_t width = 0;
    while (at_ < code_.size() && (code_[at_] == ' ' || code_[at_] == '\t')) {
      width = code_[at_] == '\t' ? (width / 8 + 1) * 8 : width + 1;
      ++at_;
    }
    // Lines without code and those within brackets say nothing about it.
    const bool empty = at_ == code_.size() || code_[at_] == '\n' || code_[at_] == '#';
    if (empty || brackets_ > 0) return;
    while (!indents_.empty() && indents_.back() > width) indents_.pop_back();
    if (width > 0 && (indents_.empty() || indents_.back() < width)) indents_.push_back(width);
    note();
  }

  void read_token() {
    switch (code_[at_]) {
      case '\n':
        ++line_;
        at_line_start_ = true;
        break;
      case '#':
        while (at_ < code_.size() && code_[at_] != '\n') ++at_;
        return;
      case '"':
      case '\'':
        return skip_string();
      case '(':
      case '[':
      case '{':
        ++brackets_;
        note();
        break;
      case ')':
      case ']':
      case '}':
        if (brackets_ > 0) --brackets_;
        break;
      default:
        break;
    }
    ++at_;
  }

  void skip_string() {
    const char quote = code_[at_];
    const std::string triple(3, quote);
    const bool is_triple = next_is(triple);
    at_ += is_triple ? 3 : 1;
    while (at_ < code_.size()) {
      if (code_[at_] == '\\') {
        ++at_;
      } else if (is_triple ? next_is(triple) : code_[at_] == quote) {
        at_ += is_triple ? 3 : 1;
        return;
      } else if (!is_triple && code_[at_] == '\n') {
        return;  // it has no end: the compiler will say so
      }
      if (at_ < code_.size() && code_[at_] == '\n') ++line_;
      ++at_;
    }
  }

  void note() {
    const auto depth = brackets_ + indents_.size();
    if (depth > deepest_.depth) deepest_ = {depth, line_};
  }

  std::string_view code_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t brackets_ = 0;
  bool at_line_start_ = true;
  std::vector<std::size_t> indents_;
  Nesting deepest_;
};

}  // namespace

Nesting deepest_nesting(std::string_view code) {
  return Reader(code).run();
}

}  // namespace caisson
