#include "sandbox/wire/frame.h"

#include <algorithm>

namespace caisson::wire {

std::span<char> Decoder::space() {
  if (begin_ == end_) begin_ = end_ = 0;
  // Room for a whole frame behind what is there, so that one read can bring it.
  if (buffer_.size() - end_ < max_frame / 2) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() < 2 * max_frame) buffer_.resize(2 * max_frame);
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void Decoder::filled(std::size_t bytes) {
  end_ += bytes;
}

Decoder::Step Decoder::next(Frame& frame) {
  const std::size_t available = end_ - begin_;
  if (available < header_size) return Step::need_more;
  std::memcpy(&frame.header, buffer_.data() + begin_, header_size);
  if (frame.header.magic != magic) {
    problem_ = "a frame does not start with CSN1";
    return Step::broken;
  }
  if (frame.header.length > max_body) {
    problem_ = "a frame's body is longer than 64 KiB";
    return Step::broken;
  }
  if (available < header_size + frame.header.length) return Step::need_more;
  frame.body = {buffer_.data() + begin_ + header_size, frame.header.length};
  begin_ += header_size + frame.header.length;
  return Step::frame;
}

void append_frame(std::string& out, Header header, std::string_view body) {
  header.length = static_cast<std::uint32_t>(body.size());
  out.append(bytes_of(header));
  out.append(body);
}

std::size_t append_message(std::string& out, Header header, std::string_view body) {
  std::size_t frames = 0;
  do {
    const auto piece = body.substr(0, max_body);
    body.remove_prefix(piece.size());
    header.flags = static_cast<std::uint8_t>(body.empty() ? header.flags & ~flag_more
                                                          : header.flags | flag_more);
    append_frame(out, header, piece);
    if (header.seq != 0) ++header.seq;
    ++frames;
  } while (!body.empty());
  return frames;
}

}  // namespace caisson::wire
