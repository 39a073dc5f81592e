#include "sandbox/guest/init/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

namespace caisson::guest {
namespace {

// Of each direction. Charged to the sandbox: 32 KiB a connection at most.
constexpr std::size_t buffer_size = 16384;
constexpr int backlog = 128;
// What a host would have open at most, were it to forget its own limit.
constexpr std::size_t max_lines = 512;
// The first byte on a line tells the host that somebody is at its other end.
constexpr char in_use = 1;

}  // namespace

bool Relay::listen(const char* path, std::uint16_t port, Channel::Peers peers) {
  peers_ = peers;
  guest_listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!guest_listener_) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(guest_listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
          0 ||
      ::listen(guest_listener_.get(), backlog) != 0) {
    return false;
  }
  host_listener_ = listen_unix(path);
  return static_cast<bool>(host_listener_);
}

void Relay::add_polls(Polls& polls, bool host_is_here) const {
  polls.add(host_listener_.get(), POLLIN, Source::line_listen);
  // What finds no line waits with the kernel.
  if (!idle_.empty() || !host_is_here) {
    polls.add(guest_listener_.get(), POLLIN, Source::proxy_listen);
  }
  for (const auto& line : idle_) polls.add(line.get(), POLLIN, Source::line_idle);
  for (const auto& pair : pairs_) {
    const auto wanted = [](const Way& from, const Way& to) {
      const bool read = !from.ended && from.empty();
      return static_cast<short>((read ? POLLIN : 0) | (to.empty() ? 0 : POLLOUT));
    };
    // Without a wish no descriptor is polled: a hang-up would be reported again and again.
    if (const short events = wanted(pair.out, pair.in)) {
      polls.add(pair.guest.get(), events, Source::relayed);
    }
    if (const short events = wanted(pair.in, pair.out)) {
      polls.add(pair.line.get(), events, Source::relayed);
    }
  }
}

void Relay::on_host() {
  Fd line = accept_outsider(host_listener_.get(), peers_);
  if (line && idle_.size() + pairs_.size() < max_lines) idle_.push_back(std::move(line));
}

void Relay::on_idle(int line) {
  // The host has no word for a line that is not in use: it has closed it.
  std::erase_if(idle_, [line](const Fd& each) { return each.get() == line; });
}

Fd Relay::take_idle() {
  while (!idle_.empty()) {
    Fd line = std::move(idle_.front());
    idle_.pop_front();
    if (::send(line.get(), &in_use, 1, MSG_NOSIGNAL) == 1) return line;
  }
  return Fd();
}

void Relay::on_guest(bool host_is_here) {
  if (idle_.empty() && host_is_here) return;
  Fd guest(::accept4(guest_listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!guest) return;
  Fd line = take_idle();
  if (!line) return;
  auto& pair = pairs_.emplace_back();
  pair.guest = std::move(guest);
  pair.line = std::move(line);
}

// Reads once, and writes what it can. False: the connection is broken.
bool Relay::pump(int from, int to, Way& way, bool readable) {
  if (readable && !way.ended && way.empty()) {
    way.bytes.resize(buffer_size);
    way.begin = 0;
    const ssize_t got = ::recv(from, way.bytes.data(), way.bytes.size(), 0);
    way.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got < 0 && errno != EAGAIN && errno != EINTR) return false;
    way.ended = got == 0;
  }
  while (!way.empty()) {
    const ssize_t wrote =
        ::send(to, way.bytes.data() + way.begin, way.bytes.size() - way.begin, MSG_NOSIGNAL);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) return true;
    if (wrote < 0) return false;
    way.begin += static_cast<std::size_t>(wrote);
  }
  if (way.ended && !std::exchange(way.shut, true)) ::shutdown(to, SHUT_WR);
  return true;
}

void Relay::on_pair(int fd, short events) {
  const auto pair = std::find_if(pairs_.begin(), pairs_.end(), [fd](const Pair& each) {
    return each.guest.get() == fd || each.line.get() == fd;
  });
  if (pair == pairs_.end()) return;  // it has ended in this turn
  const bool of_guest = pair->guest.get() == fd;
  const bool readable = (events & (POLLIN | POLLHUP | POLLERR)) != 0;
  const bool fine = pump(pair->guest.get(), pair->line.get(), pair->out, of_guest && readable) &&
                    pump(pair->line.get(), pair->guest.get(), pair->in, !of_guest && readable);
  if (!fine || (pair->out.shut && pair->in.shut)) pairs_.erase(pair);
}

}  // namespace caisson::guest
