// init, PID 1 of every container:
//   init --listen /run/caisson/channel.sock     makes that socket and waits for the host
//   init --stdio                                the host is at stdin and stdout (Docker attach)
// With --relay SOCKET PORT the sandbox has a proxy at that port of its loopback (relay.h).
// With --allow-any-peer it does not ask who connects. That is for tests, which run it as a plain
// process: there every peer has a process id, in a container only the sandbox's own do.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <string_view>

#include "sandbox/guest/init/supervisor.h"

namespace {

int usage() {
  ::dprintf(2, "usage: init --listen SOCKET | --stdio [--relay SOCKET PORT] [--allow-any-peer]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  using caisson::guest::Channel;
  const char* path = nullptr;
  const char* relay = nullptr;
  int relay_port = 0;
  bool stdio = false;
  auto peers = Channel::Peers::outside_only;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--listen" && i + 1 < argc) {
      path = argv[++i];
    } else if (word == "--relay" && i + 2 < argc) {
      relay = argv[++i];
      relay_port = ::atoi(argv[++i]);
    } else if (word == "--stdio") {
      stdio = true;
    } else if (word == "--allow-any-peer") {
      peers = Channel::Peers::any;
    } else {
      return usage();
    }
  }
  if (stdio == (path != nullptr)) return usage();
  if (relay != nullptr && (relay_port < 1 || relay_port > 65535)) return usage();

  // Descriptors 0 to 2 must not become something of ours.
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (fd >= 0 && fd <= 2);
  if (fd > 2) ::close(fd);

  // Nothing in the sandbox may read or trace init; what is orphaned becomes its child.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

  caisson::guest::Supervisor supervisor;
  // Before the channel: when the host finds that, all of it is there.
  if (relay != nullptr &&
      !supervisor.relay().listen(relay, static_cast<std::uint16_t>(relay_port), peers)) {
    ::dprintf(2, "caisson init: the proxy's port %d cannot be taken: %s\n", relay_port,
              ::strerror(errno));
    return 1;
  }
  if (stdio) {
    supervisor.channel().use_stdio(0, 1);
  } else if (!supervisor.channel().listen(path, peers)) {
    ::dprintf(2, "caisson init: cannot listen on %s: %s\n", path, ::strerror(errno));
    return 1;
  }
  return supervisor.run();
}
