// The host's end of PROTOCOL.md, without I/O: numbers frames, keeps what the guest has not yet
// acknowledged, sends it again after a reconnect, drops what arrives twice, and puts messages
// together from their frames. Bytes in, messages out.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sandbox/wire/frame.h"
#include "sandbox/wire/message.h"

namespace caisson {

struct GuestMessage {
  wire::Type type = wire::Type::guest_ack;
  std::uint16_t context = 0;
  std::string body;
};

class Link {
 public:
  explicit Link(std::uint32_t first_epoch = 1) : epoch_(first_epoch - 1) {}

  enum class Step { message, need_more, broken };

  // A connection has been made: what was half received is forgotten and the greeting goes first.
  // Everything else waits for the guest's welcome. `epoch` must be higher than any that the guest
  // has seen, of this host or of one before it.
  void connected(std::uint32_t epoch);
  void connected() { connected(epoch_ + 1); }

  // Where received bytes go; then say how many came and take the messages that are whole.
  std::span<char> space() { return decoder_.space(); }
  void filled(std::size_t bytes) { decoder_.filled(bytes); }
  // `broken` is final for this connection: problem() says what the guest did wrong.
  Step next(GuestMessage& message);
  const std::string& problem() const { return problem_; }

  void send(wire::Type type, std::uint16_t context, std::string_view body);

  // Bytes to write now; empty when there is nothing. They are taken, not copied.
  std::string take_outgoing();
  // The frame that says what has been received, or nothing when nobody listens.
  std::string acknowledge() const;
  bool has_outgoing() const { return !outgoing_.empty(); }

  // Sent or to be sent, and not yet confirmed by the guest.
  std::size_t unacknowledged_bytes() const;

  bool welcomed() const { return welcomed_; }
  const wire::Welcome& welcome() const { return welcome_; }

 private:
  struct Sent {
    std::uint64_t seq;
    std::string bytes;  // the whole frame
  };

  bool accept(const wire::Frame& frame, GuestMessage& message);
  bool greeted(std::string_view body);
  void forget_acknowledged(std::uint64_t ack);
  void stamp(Sent& sent) const;
  bool fail(std::string problem);

  wire::Decoder decoder_;
  std::uint32_t epoch_;
  std::uint64_t next_seq_ = 1;
  std::uint64_t last_received_ = 0;
  std::uint64_t unacknowledged_bytes_ = 0;  // received since we last said `ack`
  bool welcomed_ = false;                   // on this connection
  bool ever_welcomed_ = false;
  wire::Welcome welcome_;
  std::deque<Sent> kept_;
  std::string outgoing_;
  // Messages of which frames are still to come.
  std::map<std::pair<wire::Type, std::uint16_t>, std::string> partial_;
  std::string problem_;
};

}  // namespace caisson
