// Our end of the SOCK_SEQPACKET pair to one Python process: one packet is one frame. Never blocks.
#pragma once

#include <sys/types.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/guest/init/system.h"
#include "sandbox/wire/frame.h"

namespace caisson::guest {

struct Packet {
  wire::Header header;
  std::string_view body;  // valid until the next receive
  pid_t sender = 0;       // as the kernel vouches
  Fd fd;                  // one that came with it; others are closed unseen
};

class Pair {
 public:
  enum class Received { packet, nothing, closed, broken };

  Pair() = default;
  // Makes a new pair and returns the other end, for the process; -1 with errno on failure.
  Fd open();
  void close();

  int fd() const { return fd_.get(); }
  bool wants_write() const { return !queue_.empty(); }

  // `broken`: a packet that is not one frame.
  Received receive(Packet& packet);

  // Sends a frame, with descriptors if there are any (ours are closed). What the process does not
  // take at once is kept. False when it has not read for so long that too much is kept.
  bool send(wire::Header header, std::string_view first, std::string_view second = {},
            std::vector<Fd> fds = {});
  void flush();

 private:
  struct Queued {
    std::string bytes;
    std::vector<Fd> fds;
  };
  enum class Sent { yes, later, never };
  Sent send_now(std::string_view header, std::string_view first, std::string_view second,
                const std::vector<Fd>& fds);

  Fd fd_;
  std::unique_ptr<char[]> buffer_;
  std::deque<Queued> queue_;
  std::size_t queued_bytes_ = 0;
};

}  // namespace caisson::guest
