#include "orchestrator/agent/blocks.h"

#include <algorithm>
#include <utility>

namespace caisson {

namespace {

constexpr std::string_view think_open = "<think>";
constexpr std::string_view think_close = "</think>";
// How much is read of a line before it is decided whether the tag in it is a mention.
constexpr std::size_t decide_after_bytes = 512;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && same(text.substr(0, prefix.size()), prefix);
}

bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && same(text.substr(text.size() - suffix.size()), suffix);
}

std::string_view last_line(std::string_view text) {
  const auto newline = text.rfind('\n');
  return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

}  // namespace

Delimiters Delimiters::tags(const std::string& name) {
  return {"<" + name + ">", "</" + name + ">", Place::anywhere};
}

Delimiters Delimiters::fence(const std::string& language) {
  return {"```" + language + "\n", "```", Place::line_start};
}

Delimiters Delimiters::lines(std::string open, std::string close) {
  return {std::move(open), std::move(close), Place::line_start};
}

const char* name(ScanStatus status) {
  switch (status) {
    case ScanStatus::none:
      return "none";
    case ScanStatus::code:
      return "code";
    case ScanStatus::empty:
      return "empty";
    case ScanStatus::truncated:
      return "truncated";
    case ScanStatus::unclosed:
      return "unclosed";
  }
  return "none";
}

Scanner::Scanner(Options options) : options_(std::move(options)) {
  if (options_.begins_in_reasoning) {
    state_ = State::reasoning;
    saw_reasoning_ = true;
  }
}

std::vector<Piece> Scanner::feed(std::string_view text) {
  for (const char byte : text) {
    if (enough_) break;
    take_and_again(byte);
  }
  return std::exchange(pieces_, {});
}

void Scanner::take_and_again(char byte) {
  take(byte);
  while (!again_.empty() && !enough_) {
    const char next = again_.front();
    again_.erase(0, 1);
    take(next);
  }
}

void Scanner::take(char byte) {
  switch (state_) {
    case State::prose:
      take_prose(byte);
      return;
    case State::reasoning:
      take_reasoning(byte);
      return;
    case State::block:
      take_block(byte);
      return;
  }
}

void Scanner::take_reasoning(char byte) {
  pending_ += byte;
  if (pending_ == think_close) {
    say(Piece::Part::reasoning, std::exchange(pending_, {}));
    state_ = State::prose;
    return;
  }
  while (!pending_.empty() && !think_close.starts_with(pending_)) {
    say(Piece::Part::reasoning, pending_.substr(0, 1));
    pending_.erase(0, 1);
  }
}

void Scanner::take_prose(char byte) {
  pending_ += byte;
  settle_pending();
}

// Says what cannot be a tag any more, and acts on what is one.
void Scanner::settle_pending() {
  while (!pending_.empty() && state_ == State::prose) {
    const Match open = match_open();
    if (open == Match::whole) return open_block();
    if (pending_ == think_open) {
      say(Piece::Part::reasoning, std::exchange(pending_, {}));
      state_ = State::reasoning;
      saw_reasoning_ = true;
      return;
    }
    if (pending_ == think_close && !saw_reasoning_) return forget_as_reasoning();
    const bool maybe = open == Match::begins || think_open.starts_with(pending_) ||
                       (!saw_reasoning_ && think_close.starts_with(pending_));
    if (maybe) return;
    const char first = pending_.front();
    say(Piece::Part::prose, pending_.substr(0, 1));
    pending_.erase(0, 1);
    if (first == '\n') {
      line_.clear();
    } else {
      line_ += first;
    }
  }
}

Scanner::Match Scanner::match_open() const {
  const auto& open = options_.delimiters.open;
  if (options_.delimiters.place == Delimiters::Place::line_start && !at_line_start()) {
    return Match::no;
  }
  if (pending_.size() <= open.size()) {
    if (same(pending_, open)) return Match::whole;
    if (starts_with(open, pending_)) return Match::begins;
  }
  if (open.back() == '\n') {
    // A fence's line may end in spaces and CRLF.
    const auto fence = std::string_view(open).substr(0, open.size() - 1);
    if (!starts_with(pending_, fence)) return Match::no;
    const auto rest = std::string_view(pending_).substr(fence.size());
    if (rest.find_first_not_of(" \t\r") == std::string_view::npos) return Match::begins;
    return rest.back() == '\n' && trim(rest).empty() ? Match::whole : Match::no;
  }
  if (open.back() != '>') return Match::no;
  const auto name = std::string_view(open).substr(0, open.size() - 1);
  if (!starts_with(pending_, name) || pending_.size() == name.size()) return Match::no;
  const auto attributes = std::string_view(pending_).substr(name.size());
  if (attributes.front() != ' ' && attributes.front() != '\t') return Match::no;
  const auto end = attributes.find_first_of("<>\n");
  if (end == std::string_view::npos) return Match::begins;
  return attributes[end] == '>' ? Match::whole : Match::no;
}

bool Scanner::at_line_start() const {
  return trim(line_).empty();
}

bool Scanner::inside_inline_code() const {
  return std::count(line_.begin(), line_.end(), '`') % 2 == 1;
}

void Scanner::open_block() {
  opened_mid_line_ = !at_line_start();
  if (opened_mid_line_ && inside_inline_code()) {
    const auto tag = std::exchange(pending_, {});
    say(Piece::Part::prose, tag);
    line_ += tag;
    return;
  }
  state_ = State::block;
  tag_bytes_ = pending_.size();
  held_ = std::exchange(pending_, {});
  body_.clear();
  lexer_ = {};
  candidates_.clear();
  if (options_.delimiters.open.back() == '\n') decide_block();
}

// The tag may still be a mention: nothing but the beginning of a placeholder follows it so far, or
// it stands in the middle of a line of prose.
bool Scanner::could_be_mention() const {
  if (body_.size() > decide_after_bytes || body_.find('\n') != std::string::npos) return false;
  if (opened_mid_line_) return true;
  const auto text = trim(body_);
  for (const std::string_view ellipsis : {"...", "…"}) {
    if (ellipsis.starts_with(text)) return true;
    const bool whole = text.starts_with(ellipsis);
    if (whole && starts_with(options_.delimiters.close, trim(text.substr(ellipsis.size())))) {
      return true;
    }
  }
  return false;
}

void Scanner::decide_block() {
  say(Piece::Part::block, std::exchange(held_, {}));
}

// The tag was a mention: it is prose, and what came after it is looked at again.
void Scanner::not_a_block() {
  const auto held = std::exchange(held_, {});
  const auto tag = held.substr(0, tag_bytes_);
  state_ = State::prose;
  say(Piece::Part::prose, tag);
  line_ += tag;
  again_.insert(0, held, tag_bytes_);
}

void Scanner::take_block(char byte) {
  body_ += byte;
  lexer_.feed(byte);
  const bool undecided = block_is_undecided();
  if (undecided) {
    held_ += byte;
  } else {
    say(Piece::Part::block, {&byte, 1});
  }
  if (closes_here()) {
    const auto code_bytes = body_.size() - options_.delimiters.close.size();
    if (!lexer_.in_string()) return close_block(code_bytes);
    const auto before = std::string_view(body_).substr(0, code_bytes);
    candidates_.push_back({code_bytes, trim(last_line(before)).empty()});
  }
  if (!undecided) return drop_nested_open();
  if (!opened_mid_line_) {
    if (!could_be_mention()) decide_block();
    return;
  }
  if (byte == '\n' || body_.size() > decide_after_bytes) {
    const bool code = first_line_is_code();
    return code ? decide_block() : not_a_block();
  }
  if (ends_with(body_, options_.delimiters.open) && !lexer_.in_string()) return not_a_block();
  const bool word_ended = byte == ' ' || byte == ',' || byte == '`';
  if (word_ended && !plausible_python_so_far(trim(body_))) not_a_block();
}

// Of a tag with prose before it: code begins after it, or nothing does before the line ends.
bool Scanner::first_line_is_code() const {
  const auto line = trim(body_);
  if (line.empty()) return true;
  const auto end = body_.back() == '\n' ? "\n" : "";
  // More than a word: "tags" alone is a variable's name as well as the end of a sentence.
  return line.find_first_of(" ([=.'\"") != std::string_view::npos &&
         plausible_python_so_far(std::string(line) + end);
}

bool Scanner::closes_here() const {
  const auto& close = options_.delimiters.close;
  if (!ends_with(body_, close)) return false;
  if (options_.delimiters.place == Delimiters::Place::anywhere) return true;
  const auto before = std::string_view(body_).substr(0, body_.size() - close.size());
  return trim(last_line(before)).empty();
}

// A model that writes the opening tag twice, or forgets to close a block and begins another one:
// the tag is not code.
void Scanner::drop_nested_open() {
  const auto& open = options_.delimiters.open;
  if (open.back() != '>' || lexer_.in_string() || !ends_with(body_, open)) return;
  const auto before = std::string_view(body_).substr(0, body_.size() - open.size());
  if (!trim(last_line(before)).empty()) return;
  body_.erase(before.size());
}

void Scanner::close_block(std::size_t code_bytes) {
  const auto inside = body_.substr(0, code_bytes);
  const auto code = clean_code(inside);
  const auto text = trim(code);
  const bool one_line = inside.find('\n') == std::string::npos;
  const bool undecided = block_is_undecided();
  const bool mention =
      undecided && one_line &&
      (is_ellipsis(text) || (opened_mid_line_ && !text.empty() &&
                             (!plausible_python(text) || is_placeholder_word(text))));
  if (mention) {
    // Both tags are prose. What stands between them has no tag in it, so it is not looked at again.
    say(Piece::Part::prose, held_);
    line_ += held_;
    held_.clear();
    state_ = State::prose;
    return;
  }
  if (undecided) decide_block();
  state_ = State::prose;
  line_ = options_.delimiters.close;
  if (text.empty() || is_ellipsis(text)) {
    if (scan_.blocks.empty()) scan_.status = ScanStatus::empty;
    return;
  }
  scan_.status = ScanStatus::code;
  scan_.blocks.push_back(code);
  enough_ = options_.mode == ScanMode::first;
}

// A </think> came whose opening tag was part of the prompt.
void Scanner::forget_as_reasoning() {
  say(Piece::Part::reasoning, std::exchange(pending_, {}));
  saw_reasoning_ = true;
  scan_ = {};
  line_.clear();
}

Scan Scanner::finish(TextEnd end, std::vector<Piece>& rest) {
  if (!enough_) {
    if (state_ == State::reasoning) say(Piece::Part::reasoning, pending_);
    // What looked like the beginning of a tag is prose; behind it another one may begin.
    while (state_ == State::prose && !pending_.empty()) {
      say(Piece::Part::prose, pending_.substr(0, 1));
      line_ += pending_.front();
      pending_.erase(0, 1);
      settle_pending();
    }
    if (state_ == State::block) finish_block(end);
  }
  rest.insert(rest.end(), pieces_.begin(), pieces_.end());
  pieces_.clear();
  if (options_.mode == ScanMode::join && scan_.blocks.size() > 1) {
    std::string joined;
    for (const auto& block : scan_.blocks) joined += (joined.empty() ? "" : "\n\n") + block;
    scan_.blocks = {joined};
  }
  return std::move(scan_);
}

void Scanner::finish_block(TextEnd end) {
  const auto problem = [this](ScanStatus status) {
    if (scan_.blocks.empty()) scan_.status = status;
  };
  const auto code = clean_code(body_);
  const bool mention = block_is_undecided() && opened_mid_line_ &&
                       (code.empty() || is_ellipsis(trim(code)) || !plausible_python_so_far(code) ||
                        is_placeholder_word(trim(code)));
  if (mention) {
    say(Piece::Part::prose, std::exchange(held_, {}));
    return;
  }
  decide_block();
  if (end == TextEnd::cut) return problem(ScanStatus::truncated);
  if (!candidates_.empty()) {
    const auto at_line_start = std::find_if(candidates_.begin(), candidates_.end(),
                                            [](const Candidate& it) { return it.line_start; });
    const auto& chosen = at_line_start != candidates_.end() ? *at_line_start : candidates_.front();
    const auto after = body_.substr(chosen.code_bytes + options_.delimiters.close.size());
    close_block(chosen.code_bytes);
    if (enough_) {
      scan_.text.resize(scan_.text.size() - after.size());
      return;
    }
    // Blocks may follow. Their text has been given out already, as parts of this one.
    auto shown = std::exchange(pieces_, {});
    auto text = scan_.text;
    for (const char byte : after) take_and_again(byte);
    pieces_ = std::move(shown);
    scan_.text = std::move(text);
    return;
  }
  if (trim(code).empty() || is_ellipsis(trim(code))) return problem(ScanStatus::empty);
  if (!plausible_python(code)) return problem(ScanStatus::unclosed);
  scan_.status = ScanStatus::code;
  scan_.blocks.push_back(code);
}

void Scanner::say(Piece::Part part, std::string_view text) {
  if (text.empty()) return;
  if (part != Piece::Part::reasoning) scan_.text += text;
  if (pieces_.empty() || pieces_.back().part != part) pieces_.push_back({part, {}});
  pieces_.back().text += text;
}

}  // namespace caisson
