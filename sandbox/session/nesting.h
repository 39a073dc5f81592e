// How deep a block's text is nested: parsers and compilers recurse that deep.
#pragma once

#include <cstddef>
#include <string_view>

namespace caisson {

struct Nesting {
  std::size_t depth = 0;  // the deepest, of brackets and of indentation together
  std::size_t line = 0;   // where it is first, from 1
};

// Reads Python's tokens and nothing more: strings and comments are skipped, brackets need not
// match. Takes time linear in the text and no stack.
Nesting deepest_nesting(std::string_view code);

}  // namespace caisson
