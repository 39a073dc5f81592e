// The connection to the host: numbers frames, keeps what the host has not acknowledged, sends it
// again after a reconnect, drops what arrives twice (PROTOCOL.md, "Connecting").
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "sandbox/guest/init/system.h"
#include "sandbox/wire/frame.h"
#include "sandbox/wire/message.h"

namespace caisson::guest {

enum class Peers {
  outside_only,  // processes that our PID namespace cannot see
  any,           // tests run init as a plain process, where every peer has a pid
};

// A listening unix socket, in place of one that is there. None: errno says why.
Fd listen_unix(const char* path);
// A connection that waits on it. None when it is of a process inside: `turned_away` says so.
Fd accept_outsider(int listener, Peers peers, bool* turned_away = nullptr);

class Channel {
 public:
  using Peers = guest::Peers;

  // Listens on a unix socket, in place of one that is there. False: errno says why.
  bool listen(const char* path, Peers peers);
  // Uses an inherited pair of descriptors. When it ends there is no other connection to come.
  void use_stdio(int in, int out);

  int listen_fd() const { return listen_.get(); }
  int read_fd() const { return in_; }
  int write_fd() const { return out_; }
  bool wants_write() const;
  bool connected() const { return greeted_; }
  bool stdio_ended() const { return stdio_ && in_ < 0; }
  // When the host was last seen to be gone; meaningless while connected().
  Micros disconnected_since() const { return disconnected_since_; }

  // Takes a connection that waits on listen_fd(). It replaces the one before.
  void accept();
  // Reads what is there; then take the frames with next().
  void read();
  // The next numbered frame that has not arrived before. Its body is valid until the next call.
  bool next(wire::Frame& frame);
  // True once after a host came that is not the one before (it has lost its numbers): what that one
  // left unfinished will never be completed.
  bool take_host_changed() { return std::exchange(host_changed_, false); }

  // What the guest says in its welcome besides numbers.
  void set_facts(const wire::Welcome& facts) { facts_ = facts; }

  // Queues one frame; `first` and `second` together must fit a body.
  void send(wire::Type type, std::uint16_t context, std::string_view first,
            std::string_view second = {}, std::uint8_t flags = 0);
  // Queues output. Joins it to the frame before when that has not been sent and is of the same
  // block and stream, so that a slow host does not cost a frame per byte.
  void send_output(std::uint16_t context, const wire::Output& output, std::string_view bytes);
  // Text for the operator; dropped when the host does not read.
  void log(std::string_view text);
  // True when so much is unacknowledged that nothing more should be read from Python.
  bool full() const { return kept_bytes_ >= wire::max_unacknowledged; }
  // True when what can wait should: the rest is for the output of blocks.
  bool is_busy() const { return kept_bytes_ >= wire::max_unacknowledged / 4; }
  // True when everything that was sent has left for the connected host.
  bool flushed() const { return greeted_ && !wants_write(); }

  // Writes what is queued, as far as the host takes it.
  void flush();
  void disconnect();

 private:
  struct Kept {
    std::uint64_t seq = 0;
    std::string bytes;  // the whole frame
  };

  bool greet(const wire::Frame& hello);
  void forget_acknowledged(std::uint64_t ack);
  void send_ack();

  Fd listen_;
  Fd connection_;
  int in_ = -1;
  int out_ = -1;
  Peers peers_ = Peers::outside_only;
  bool stdio_ = false;
  bool greeted_ = false;
  bool host_changed_ = false;
  bool turned_away_ = false;  // somebody, and the log says so
  Micros disconnected_since_ = now_us();
  wire::Welcome facts_;
  wire::Decoder decoder_;

  std::uint32_t epoch_ = 0;           // of the connection, the highest ever
  std::uint64_t last_received_ = 0;   // seq of the host
  std::uint64_t received_bytes_ = 0;  // since we last said `ack`
  std::uint64_t acknowledged_ = 0;    // our seq that a host has confirmed
  std::uint64_t next_seq_ = 1;
  std::uint64_t highest_written_ = 0;  // our seq of which a byte has left, on any connection

  std::deque<Kept> kept_;
  std::size_t kept_bytes_ = 0;
  std::size_t next_ = 0;    // index in kept_ of the first not wholly written on this connection
  std::size_t offset_ = 0;  // bytes of it that have been written
  std::string control_;     // welcome and acks, written between frames
};

}  // namespace caisson::guest
