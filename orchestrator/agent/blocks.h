// Finds blocks of code in the text of a model while it streams in. Does no I/O, and what it finds
// does not depend on how the text is cut into pieces.
//
// The rules, with <execute> and </execute> as delimiters:
//  - The opening tag counts in any case of letters and with attributes, at the beginning of a line
//    or where code follows it on its line. Prose that mentions the tag does not open a block, nor
//    does a tag inside of `inline code`.
//  - The closing tag counts unless it is inside of a Python string. If such a string is never
//    closed, the first closing tag at the beginning of a line counts after all, once the reply is
//    over.
//  - A reply that ends inside of a block: when the model's limit or a broken connection cut it, it
//    is `truncated` and nothing of it may run; when the model ended by itself and the text could be
//    Python, it is a block whose closing tag the server has cut off as a stop string.
//  - Blank blocks and a "..." on a line of its own are `empty`: there is nothing to run.
//  - <think>…</think> is reasoning: never scanned, never part of the text. A </think> whose opening
//    tag is missing makes everything before it reasoning, as far as that is still possible: with
//    Mode::first a block in it has already been taken. Options::begins_in_reasoning is for models
//    whose chat template opens it for them.
//  - One Markdown fence around the code, common indentation and CRLF are taken away.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/agent/python_text.h"

namespace caisson {

struct Delimiters {
  // Where both of them count.
  enum class Place { anywhere, line_start };
  std::string open = "<execute>";  // one that ends in '>' may have attributes
  std::string close = "</execute>";
  Place place = Place::anywhere;
  bool operator==(const Delimiters&) const = default;

  static Delimiters tags(const std::string& name);       // <name>…</name>
  static Delimiters fence(const std::string& language);  // ```language … ```
  // On lines of their own: "Action:" … "End Action".
  static Delimiters lines(std::string open, std::string close);
};

enum class ScanMode {
  first,  // the first block ends the reply: what the model would invent after it is never read
  each,   // all blocks of the reply, to be run one by one
  join,   // all blocks of the reply as one, with a blank line between them
};

// A stretch of the reply. All pieces in order are the reply, up to where the scanner had enough.
struct Piece {
  enum class Part {
    prose,
    block,  // delimiters and code as the model wrote them
    reasoning,
  };
  Part part = Part::prose;
  std::string text;
  bool operator==(const Piece&) const = default;
};

enum class ScanStatus {
  none,       // no block: the text is an answer
  code,       // `blocks` has what to run
  empty,      // a block without code in it
  truncated,  // a block that was cut: nothing runs
  unclosed,   // a block without an end that can't be Python
};
const char* name(ScanStatus status);

struct Scan {
  ScanStatus status = ScanStatus::none;
  std::vector<std::string> blocks;  // with Mode::join at most one
  std::string text;                 // the reply without reasoning
  bool operator==(const Scan&) const = default;
};

// How the reply ended, as far as the scanner must know.
enum class TextEnd { whole, cut };

class Scanner {
 public:
  struct Options {
    Delimiters delimiters = {};
    ScanMode mode = ScanMode::first;
    bool begins_in_reasoning = false;
  };

  Scanner() : Scanner(Options{}) {}
  explicit Scanner(Options options);

  // Takes the next piece of the reply and returns what can be shown by now.
  std::vector<Piece> feed(std::string_view text);
  // A block is complete in Mode::first: nothing more is read, the connection can be closed.
  bool enough() const { return enough_; }

  // The reply is over. Appends what was held back to `rest`. Call it once.
  Scan finish(TextEnd end, std::vector<Piece>& rest);

 private:
  enum class State { prose, reasoning, block };
  enum class Match { no, begins, whole };

  void take_and_again(char byte);
  void take(char byte);
  void take_prose(char byte);
  void take_reasoning(char byte);
  void take_block(char byte);
  void settle_pending();
  Match match_open() const;
  bool open_counts_here() const;
  void open_block();
  bool at_line_start() const;
  bool inside_inline_code() const;
  bool block_is_undecided() const { return !held_.empty(); }
  bool could_be_mention() const;
  bool first_line_is_code() const;
  void decide_block();
  void not_a_block();
  bool closes_here() const;
  void drop_nested_open();
  void close_block(std::size_t code_bytes);
  void finish_block(TextEnd end);
  void forget_as_reasoning();
  void say(Piece::Part part, std::string_view text);

  const Options options_;
  State state_ = State::prose;
  bool enough_ = false;
  bool saw_reasoning_ = false;

  std::string line_;     // prose of the line so far
  std::string pending_;  // prose that may be the beginning of a tag

  bool opened_mid_line_ = false;
  std::size_t tag_bytes_ = 0;  // of the opening tag
  std::string held_;   // the opening tag and what follows, while it may be a mention of the tag
  std::string again_;  // to be taken again: what followed a tag that was a mention
  std::string body_;   // between the delimiters
  PythonLexer lexer_;
  // Closing tags inside of strings, for when it turns out that the string has no end.
  struct Candidate {
    std::size_t code_bytes = 0;  // of body_ before it
    bool line_start = false;
  };
  std::vector<Candidate> candidates_;

  std::vector<Piece> pieces_;
  Scan scan_;
};

}  // namespace caisson
