// Where a block ends in text that comes line by line.
#pragma once

#include <string>
#include <string_view>

namespace caisson {

enum class Typing {
  lines,  // at a terminal: a simple statement ends with its line, a compound one with an empty line
  blocks,  // from a pipe: blocks are separated by empty lines
};

// Collects lines until they are a block. It looks at brackets, strings and colons and does not
// parse Python: what it takes for whole and is not, is a SyntaxError of the block.
class BlockLines {
 public:
  explicit BlockLines(Typing typing) : typing_(typing) {}

  // Takes a line without its end; true when a block is whole. An empty line before a block is none.
  bool add(std::string_view line);
  // Something has been typed that is not whole yet.
  bool begun() const { return !text_.empty(); }
  // The block, or what there is of it; then it begins anew.
  std::string take();

 private:
  void scan(std::string_view line);

  const Typing typing_;
  std::string text_;
  int open_brackets_ = 0;
  std::string quote_;       // of a string that goes over lines: ''' or """
  bool compound_ = false;   // a line ended with ':' or began with '@'
  bool continued_ = false;  // the last line ended with a backslash
};

}  // namespace caisson
