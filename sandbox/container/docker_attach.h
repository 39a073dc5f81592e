// A container's stdin, stdout and stderr through Docker's attach: a raw connection on which the
// daemon puts 8 bytes (stream, 0, 0, 0, length as big-endian u32) in front of each piece.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/http_client.h"
#include "sandbox/container/backend.h"

namespace caisson {

class AttachDecoder {
 public:
  struct Piece {
    int stream = 0;  // 1 stdout, 2 stderr, 3 the daemon's own error
    std::string_view bytes;
  };
  // Takes bytes from the front of `input` until a piece of content is found, which lies in it.
  // Nothing: all of it was taken, or it makes no sense (broken()).
  std::optional<Piece> next(std::string_view& input);
  bool broken() const { return broken_; }

 private:
  std::array<unsigned char, 8> header_{};
  std::size_t have_ = 0;    // of header_
  std::uint32_t left_ = 0;  // of the content behind it
  bool broken_ = false;
};

// An attached connection. As a ByteStream it gives stdout; stderr is kept for last_words().
class AttachStream {
 public:
  explicit AttachStream(HttpStream stream) : stream_(std::move(stream)) {}

  // Throws Fault when the daemon's framing makes no sense, boost::system::system_error when the
  // connection breaks.
  boost::asio::awaitable<std::size_t> read_some(boost::asio::mutable_buffer buffer);
  boost::asio::awaitable<void> write(boost::asio::const_buffer bytes);
  void close() { stream_.close(); }

  // The last line on stderr: reads until the container closes it, or the deadline.
  boost::asio::awaitable<std::string> last_words(Deadline deadline);

 private:
  boost::asio::awaitable<Result<bool>> fill(Deadline deadline);
  void keep(const AttachDecoder::Piece& piece);

  HttpStream stream_;
  AttachDecoder decoder_;
  std::array<char, 16384> buffer_{};
  std::string_view rest_;  // of buffer_, not yet decoded
  std::string_view out_;   // of buffer_, stdout that did not fit the reader's buffer
  std::string err_;        // the end of stderr
};

// Shares the connection with whoever else holds it (the container, for its last words).
std::unique_ptr<ByteStream> as_byte_stream(std::shared_ptr<AttachStream> stream);

}  // namespace caisson
