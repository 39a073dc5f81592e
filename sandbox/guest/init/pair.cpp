#include "sandbox/guest/init/pair.h"

#include <errno.h>
#include <sys/socket.h>

#include <cstring>

namespace caisson::guest {
namespace {

// Two messages of the greatest size: an `execute` and a `tool_result`. Beyond that the process
// does not read.
constexpr std::size_t max_queued = 2 * wire::max_message;
constexpr std::size_t max_fds = 4;

}  // namespace

Fd Pair::open() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return Fd();
  fd_.reset(ends[0]);
  queue_.clear();
  queued_bytes_ = 0;
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<char[]>(wire::max_frame);
  set_nonblocking(ends[0]);
  const int on = 1;
  ::setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
  // A frame must fit, whatever the system's default is.
  const int room = 256 * 1024;
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
  return Fd(ends[1]);
}

void Pair::close() {
  fd_.reset();
  queue_.clear();
  queued_bytes_ = 0;
}

Pair::Received Pair::receive(Packet& packet) {
  packet.fd.reset();
  iovec piece{buffer_.get(), wire::max_frame};
  // Room for the sender and one descriptor; the kernel drops further ones.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(ucred)) + CMSG_LEN(sizeof(int));
  // ECONNRESET is told once, when the process has ended without reading what we sent; what it said
  // before that is still there.
  ssize_t got;
  bool was_reset = false;
  for (;;) {
    got = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
    if (got >= 0 || (errno != EINTR && (errno != ECONNRESET || was_reset))) break;
    was_reset = was_reset || errno == ECONNRESET;
  }
  if (got < 0) return errno == EAGAIN ? Received::nothing : Received::closed;
  packet.sender = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_CREDENTIALS) {
      ucred who{};
      std::memcpy(&who, CMSG_DATA(part), sizeof(who));
      packet.sender = who.pid;
    } else if (part->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part), sizeof(fd));
      packet.fd.reset(fd);
    }
  }
  // Nobody sends empty packets: the end of the other side reads as one.
  if (got == 0) return Received::closed;
  const auto size = static_cast<std::size_t>(got);
  if (size < wire::header_size || (message.msg_flags & MSG_TRUNC) != 0) return Received::broken;
  std::memcpy(&packet.header, buffer_.get(), wire::header_size);
  if (packet.header.magic != wire::magic || packet.header.length != size - wire::header_size) {
    return Received::broken;
  }
  packet.body = {buffer_.get() + wire::header_size, packet.header.length};
  return Received::packet;
}

bool Pair::send(wire::Header header, std::string_view first, std::string_view second,
                std::vector<Fd> fds) {
  if (!fd_) return true;  // its end is on the way to us by another road
  header.length = static_cast<std::uint32_t>(first.size() + second.size());
  if (queue_.empty() && send_now(wire::bytes_of(header), first, second, fds) != Sent::later) {
    return true;
  }
  if (queued_bytes_ + wire::header_size + header.length > max_queued) return false;
  auto& queued = queue_.emplace_back();
  queued.bytes.reserve(wire::header_size + header.length);
  queued.bytes.append(wire::bytes_of(header)).append(first).append(second);
  queued.fds = std::move(fds);
  queued_bytes_ += queued.bytes.size();
  return true;
}

void Pair::flush() {
  while (!queue_.empty()) {
    const auto& first = queue_.front();
    if (send_now(first.bytes, {}, {}, first.fds) == Sent::later) return;
    queued_bytes_ -= first.bytes.size();
    queue_.pop_front();
  }
}

Pair::Sent Pair::send_now(std::string_view header, std::string_view first, std::string_view second,
                          const std::vector<Fd>& fds) {
  iovec pieces[3] = {{const_cast<char*>(header.data()), header.size()},
                     {const_cast<char*>(first.data()), first.size()},
                     {const_cast<char*>(second.data()), second.size()}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 3;
  alignas(cmsghdr) char control[CMSG_SPACE(max_fds * sizeof(int))] = {};
  if (!fds.empty() && fds.size() <= max_fds) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    for (std::size_t i = 0; i < fds.size(); ++i) {
      const int fd = fds[i].get();
      std::memcpy(CMSG_DATA(part) + i * sizeof(int), &fd, sizeof(fd));
    }
  }
  ssize_t sent;
  do {
    sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return Sent::yes;
  // ETOOMANYREFS: too many descriptors are on their way; they arrive when the process reads.
  return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS
             ? Sent::later
             : Sent::never;
}

}  // namespace caisson::guest
