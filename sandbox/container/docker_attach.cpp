#include "sandbox/container/docker_attach.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cstring>

#include "sandbox/container/words.h"

namespace caisson {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kept_words = 4096;

class AttachByteStream final : public ByteStream {
 public:
  explicit AttachByteStream(std::shared_ptr<AttachStream> stream) : stream_(std::move(stream)) {}
  ~AttachByteStream() override { stream_->close(); }

  asio::awaitable<std::size_t> read_some(asio::mutable_buffer buffer) override {
    return stream_->read_some(buffer);
  }
  asio::awaitable<void> write(asio::const_buffer bytes) override { return stream_->write(bytes); }
  void close() override { stream_->close(); }

 private:
  std::shared_ptr<AttachStream> stream_;
};

}  // namespace

std::optional<AttachDecoder::Piece> AttachDecoder::next(std::string_view& input) {
  while (!input.empty() && !broken_) {
    if (have_ < header_.size()) {
      header_[have_++] = static_cast<unsigned char>(input.front());
      input.remove_prefix(1);
      if (have_ < header_.size()) continue;
      left_ = std::uint32_t{header_[4]} << 24 | std::uint32_t{header_[5]} << 16 |
              std::uint32_t{header_[6]} << 8 | header_[7];
      broken_ = header_[0] > 3 || header_[1] != 0 || header_[2] != 0 || header_[3] != 0;
      if (left_ == 0) have_ = 0;
      continue;
    }
    const auto taken = std::min<std::size_t>(input.size(), left_);
    const Piece piece{header_[0], input.substr(0, taken)};
    input.remove_prefix(taken);
    left_ -= static_cast<std::uint32_t>(taken);
    if (left_ == 0) have_ = 0;
    return piece;
  }
  return std::nullopt;
}

void AttachStream::keep(const AttachDecoder::Piece& piece) {
  err_.append(piece.bytes);
  if (err_.size() > 2 * kept_words) err_.erase(0, err_.size() - kept_words);
}

// False at the end of the connection.
asio::awaitable<Result<bool>> AttachStream::fill(Deadline deadline) {
  auto got = co_await stream_.read_some(asio::buffer(buffer_), deadline);
  if (!got) co_return got.error();
  rest_ = std::string_view(buffer_.data(), *got);
  co_return *got != 0;
}

asio::awaitable<std::size_t> AttachStream::read_some(asio::mutable_buffer buffer) {
  while (out_.empty()) {
    while (auto piece = decoder_.next(rest_)) {
      if (piece->stream == 1) {
        out_ = piece->bytes;
        break;
      }
      keep(*piece);
    }
    if (decoder_.broken()) throw Fault("Docker: the attached stream has a piece of no known kind");
    if (!out_.empty()) break;
    auto more = co_await fill(Deadline::never());
    if (!more) throw boost::system::system_error(asio::error::connection_reset);
    if (!*more) co_return 0;
  }
  const auto taken = std::min(out_.size(), buffer.size());
  std::memcpy(buffer.data(), out_.data(), taken);
  out_.remove_prefix(taken);
  co_return taken;
}

asio::awaitable<void> AttachStream::write(asio::const_buffer bytes) {
  auto sent = co_await stream_.write(bytes, Deadline::never());
  if (!sent) throw boost::system::system_error(asio::error::broken_pipe);
}

asio::awaitable<std::string> AttachStream::last_words(Deadline deadline) {
  for (;;) {
    while (auto piece = decoder_.next(rest_)) {
      if (piece->stream != 1) keep(*piece);
    }
    if (decoder_.broken()) break;
    auto more = co_await fill(deadline);
    if (!more || !*more) break;
  }
  co_return last_line(err_);
}

std::unique_ptr<ByteStream> as_byte_stream(std::shared_ptr<AttachStream> stream) {
  return std::make_unique<AttachByteStream>(std::move(stream));
}

}  // namespace caisson
