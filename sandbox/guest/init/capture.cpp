#include "sandbox/guest/init/capture.h"

#include <algorithm>

namespace caisson::guest {

void Capture::begin(std::uint64_t limit_bytes) {
  head_limit_ = limit_bytes / 2;
  tail_limit_ = limit_bytes - head_limit_;
  total_ = passed_ = 0;
  begin_ = 0;
  // A ring that has grown is given back: sessions are idle for most of their time.
  if (tail_.capacity() > 4096) tail_ = std::string();
  tail_.clear();
}

std::size_t Capture::take(std::string_view bytes) {
  total_ += bytes.size();
  const auto now = static_cast<std::size_t>(
      std::min<std::uint64_t>(bytes.size(), tail_.empty() ? head_limit_ - passed_ : 0));
  passed_ += now;
  bytes.remove_prefix(now);
  if (bytes.size() > tail_limit_) {
    bytes.remove_prefix(bytes.size() - static_cast<std::size_t>(tail_limit_));
  }
  const auto grow = std::min(bytes.size(), static_cast<std::size_t>(tail_limit_) - tail_.size());
  tail_.append(bytes.substr(0, grow));
  bytes.remove_prefix(grow);
  while (!bytes.empty()) {
    const auto piece = std::min(bytes.size(), tail_.size() - begin_);
    std::copy_n(bytes.data(), piece, tail_.data() + begin_);
    begin_ = begin_ + piece == tail_.size() ? 0 : begin_ + piece;
    bytes.remove_prefix(piece);
  }
  return now;
}

}  // namespace caisson::guest
