#include "sandbox/egress/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace caisson {
namespace {

constexpr std::size_t longest_line = 1024;
constexpr std::size_t longest_trailer = 16384;
constexpr std::size_t most_digits = 15;

}  // namespace

BodyReader::BodyReader(Framing framing) : framing_(framing), left_(framing.bytes) {
  switch (framing.kind) {
    case Framing::Kind::none:
      break;
    case Framing::Kind::length:
      if (left_ > 0) state_ = State::content;
      break;
    case Framing::Kind::chunked:
      state_ = State::chunk_size;
      break;
    case Framing::Kind::until_close:
      state_ = State::content;
      break;
  }
}

// True when line_ is a whole line, without its end; then the caller empties it.
bool BodyReader::take_line(std::string_view& bytes) {
  const auto end = bytes.find('\n');
  const auto piece = bytes.substr(0, end == bytes.npos ? end : end + 1);
  line_.append(piece);
  bytes.remove_prefix(piece.size());
  return line_.ends_with('\n');
}

bool BodyReader::read_size() {
  if (!line_.ends_with("\r\n")) return false;
  // What follows a semicolon says nothing about the size; but it may be read differently elsewhere.
  const std::string_view digits(line_.data(), line_.size() - 2);
  if (digits.empty() || digits.size() > most_digits) return false;
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  return error == std::errc() && stop == digits.data() + digits.size();
}

bool BodyReader::take(std::string_view& bytes, std::string& content) {
  while (!bytes.empty() && state_ != State::done) {
    if (state_ == State::content || state_ == State::chunk) {
      const bool counted = framing_.kind != Framing::Kind::until_close;
      const auto size = counted ? std::min<std::uint64_t>(left_, bytes.size()) : bytes.size();
      content.append(bytes.substr(0, size));
      bytes.remove_prefix(size);
      if (!counted) continue;
      left_ -= size;
      if (left_ == 0) state_ = state_ == State::chunk ? State::chunk_end : State::done;
      continue;
    }
    if (!take_line(bytes)) return line_.size() <= longest_line;
    switch (state_) {
      case State::chunk_size:
        if (!read_size()) return false;
        state_ = left_ > 0 ? State::chunk : State::trailer;
        break;
      case State::chunk_end:
        if (line_ != "\r\n") return false;
        state_ = State::chunk_size;
        break;
      default:  // trailer
        trailer_bytes_ += line_.size();
        if (!line_.ends_with("\r\n") || trailer_bytes_ > longest_trailer) return false;
        if (line_ == "\r\n") state_ = State::done;
        break;
    }
    line_.clear();
  }
  return true;
}

bool BodyReader::end() {
  if (framing_.kind == Framing::Kind::until_close) state_ = State::done;
  return done();
}

std::string chunk_of(std::string_view content) {
  return fmt::format("{:x}\r\n{}\r\n", content.size(), content);
}

}  // namespace caisson
