#include "sandbox/session/link.h"

#include <fmt/format.h>

#include <cstddef>

namespace caisson {

using wire::Type;

void Link::connected(std::uint32_t epoch) {
  decoder_ = wire::Decoder();
  outgoing_.clear();
  welcomed_ = false;
  unacknowledged_bytes_ = 0;
  epoch_ = epoch;
  wire::Header header;
  header.type = Type::hello;
  header.epoch = epoch_;
  const wire::Hello hello{wire::protocol_version, ever_welcomed_ ? 0U : 1U, last_received_};
  wire::append_frame(outgoing_, header, wire::bytes_of(hello));
}

Link::Step Link::next(GuestMessage& message) {
  for (;;) {
    wire::Frame frame;
    switch (decoder_.next(frame)) {
      case wire::Decoder::Step::need_more:
        return Step::need_more;
      case wire::Decoder::Step::broken:
        problem_ = decoder_.problem();
        return Step::broken;
      case wire::Decoder::Step::frame:
        break;
    }
    problem_.clear();
    if (accept(frame, message)) return Step::message;
    if (!problem_.empty()) return Step::broken;
  }
}

bool Link::fail(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

// True when a whole message has come. False with problem_ empty: nothing for the caller yet.
bool Link::accept(const wire::Frame& frame, GuestMessage& message) {
  const auto& header = frame.header;
  if (header.epoch != epoch_) return false;  // of an older connection
  forget_acknowledged(header.ack);
  if (header.type == Type::welcome) return greeted(frame.body);
  if (header.type == Type::guest_ack) return false;
  if (!welcomed_) return fail("a frame came before the welcome");
  // A host that starts again knows no numbers and begins with the first one that it sees.
  if (last_received_ != 0 && header.seq <= last_received_) return false;
  if (last_received_ != 0 && header.seq != last_received_ + 1) {
    return fail(fmt::format("frame {} came after frame {}", header.seq, last_received_));
  }
  last_received_ = header.seq;
  unacknowledged_bytes_ += wire::header_size + header.length;
  if (unacknowledged_bytes_ >= wire::ack_after) {
    outgoing_ += acknowledge();
    unacknowledged_bytes_ = 0;
  }
  const auto key = std::pair(header.type, header.context);
  const auto begun = partial_.find(key);
  if (begun == partial_.end() && !frame.more()) {
    message = {header.type, header.context, std::string(frame.body)};
    return true;
  }
  auto& body = begun == partial_.end() ? partial_[key] : begun->second;
  if (body.size() + frame.body.size() > wire::max_message) {
    return fail("a message is longer than 16 MiB");
  }
  body.append(frame.body);
  if (frame.more()) return false;
  message = {header.type, header.context, std::move(body)};
  partial_.erase(key);
  return true;
}

bool Link::greeted(std::string_view body) {
  if (!wire::take(body, welcome_)) return fail("the welcome is too short");
  if (welcome_.version != wire::protocol_version) {
    return fail(fmt::format("the guest speaks version {} of the protocol, we speak {}",
                            welcome_.version, wire::protocol_version));
  }
  if (!ever_welcomed_ && welcome_.last_seq >= next_seq_ - kept_.size()) {
    // A host that starts again: the guest has seen these numbers from the one before.
    next_seq_ = welcome_.last_seq + 1;
    for (auto& sent : kept_) sent.seq = next_seq_++;
  }
  welcomed_ = ever_welcomed_ = true;
  forget_acknowledged(welcome_.last_seq);
  for (auto& sent : kept_) {
    stamp(sent);
    outgoing_.append(sent.bytes);
  }
  return false;
}

void Link::send(Type type, std::uint16_t context, std::string_view body) {
  do {
    const auto piece = body.substr(0, wire::max_body);
    body.remove_prefix(piece.size());
    wire::Header header;
    header.type = type;
    header.flags = body.empty() ? 0 : wire::flag_more;
    header.context = context;
    header.seq = next_seq_++;
    auto& sent = kept_.emplace_back(Sent{header.seq, {}});
    wire::append_frame(sent.bytes, header, piece);
    stamp(sent);
    if (welcomed_) outgoing_.append(sent.bytes);
    unacknowledged_bytes_ = 0;
  } while (!body.empty());
}

// Epoch and acknowledgement are those of the moment of sending, also when it is sent again.
void Link::stamp(Sent& sent) const {
  wire::Header header;
  std::memcpy(&header, sent.bytes.data(), sizeof header);
  header.seq = sent.seq;
  header.epoch = epoch_;
  header.ack = last_received_;
  std::memcpy(sent.bytes.data(), &header, sizeof header);
}

void Link::forget_acknowledged(std::uint64_t ack) {
  while (!kept_.empty() && kept_.front().seq <= ack) kept_.pop_front();
}

std::string Link::acknowledge() const {
  std::string bytes;
  if (!welcomed_) return bytes;
  wire::Header ack;
  ack.type = Type::host_ack;
  ack.epoch = epoch_;
  ack.ack = last_received_;
  wire::append_frame(bytes, ack, "");
  return bytes;
}

std::string Link::take_outgoing() {
  return std::exchange(outgoing_, {});
}

std::size_t Link::unacknowledged_bytes() const {
  std::size_t bytes = 0;
  for (const auto& sent : kept_) bytes += sent.bytes.size();
  return bytes;
}

}  // namespace caisson
