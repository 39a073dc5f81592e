// The way out of a sandbox that has a proxy on its host: init listens on the sandbox's own loopback
// and passes each connection on, bytes unread, over a unix connection that the host has made ahead
// (PROTOCOL.md, "Egress"). The host decides how many there are, so that is a limit as well.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <list>
#include <vector>

#include "sandbox/guest/init/channel.h"
#include "sandbox/guest/init/polls.h"
#include "sandbox/guest/init/system.h"

namespace caisson::guest {

class Relay {
 public:
  // Takes the port on 127.0.0.1, and a socket at `path` for the host. Before anything else of the
  // sandbox runs, so that nobody else has the port. False: errno says why.
  bool listen(const char* path, std::uint16_t port, Channel::Peers peers);

  void add_polls(Polls& polls, bool host_is_here) const;
  void on_host();
  // `host_is_here`: without it nobody will ever serve what waits, so it is closed.
  void on_guest(bool host_is_here);
  void on_idle(int line);
  void on_pair(int fd, short events);

 private:
  // One direction of a connection.
  struct Way {
    std::vector<char> bytes;
    std::size_t begin = 0;
    bool ended = false;  // nothing more will be read
    bool shut = false;   // and the other side has been told
    bool empty() const { return begin == bytes.size(); }
  };
  struct Pair {
    Fd guest;
    Fd line;
    Way out;  // guest to host
    Way in;
  };

  static bool pump(int from, int to, Way& way, bool readable);
  Fd take_idle();

  Fd host_listener_;
  Fd guest_listener_;
  Channel::Peers peers_ = Channel::Peers::outside_only;
  std::deque<Fd> idle_;
  std::list<Pair> pairs_;
};

}  // namespace caisson::guest
