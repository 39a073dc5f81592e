// What of one stream of one block is passed on: the first half of the limit as it comes, the last
// half when the block ends (PROTOCOL.md, "Output limits"). No I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace caisson::guest {

class Capture {
 public:
  void begin(std::uint64_t limit_bytes);
  // Takes bytes that were written; returns how many of them, from the front, to pass on now.
  std::size_t take(std::string_view bytes);
  std::uint64_t total() const { return total_; }
  // Bytes that were neither passed on nor are kept.
  std::uint64_t dropped() const { return total_ - passed_ - tail_.size(); }
  // The kept end of the stream, in two pieces.
  std::string_view tail_first() const { return std::string_view(tail_).substr(begin_); }
  std::string_view tail_second() const { return std::string_view(tail_).substr(0, begin_); }

 private:
  std::uint64_t head_limit_ = 0;
  std::uint64_t tail_limit_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t passed_ = 0;
  std::string tail_;       // a ring once it has tail_limit_ bytes
  std::size_t begin_ = 0;  // oldest byte in the ring
};

}  // namespace caisson::guest
