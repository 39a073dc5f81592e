// The body of a message, taken off the bytes of a connection piece by piece.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/egress/message.h"

namespace caisson {

class BodyReader {
 public:
  explicit BodyReader(Framing framing);

  // Takes what belongs to the body off `bytes` and appends its content to `content`. False: it is
  // not framed as it should be. Trailers are dropped.
  bool take(std::string_view& bytes, std::string& content);
  // The connection has ended. False: in the middle of the body.
  bool end();
  bool done() const { return state_ == State::done; }

 private:
  enum class State { content, chunk_size, chunk, chunk_end, trailer, done };
  bool take_line(std::string_view& bytes);
  bool read_size();

  Framing framing_;
  State state_ = State::done;
  std::uint64_t left_ = 0;  // of the content, or of the chunk
  std::string line_;
  std::size_t trailer_bytes_ = 0;
};

// One chunk; an empty one ends the body.
std::string chunk_of(std::string_view content);

}  // namespace caisson
