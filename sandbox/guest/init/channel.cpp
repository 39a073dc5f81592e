#include "sandbox/guest/init/channel.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace caisson::guest {
namespace {

// What a kept frame costs besides its bytes, so that many small ones are bounded as well.
constexpr std::size_t kept_overhead = 64;
constexpr std::size_t frames_per_write = 32;

}  // namespace

Fd listen_unix(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return Fd();
  }
  std::strcpy(address.sun_path, path);
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return Fd();
  ::unlink(path);
  // The host may be of a user that does not exist here. Who connects is checked when it is
  // accepted.
  const mode_t before = ::umask(0);
  const bool bound =
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::umask(before);
  return bound && ::listen(listener.get(), 8) == 0 ? std::move(listener) : Fd();
}

Fd accept_outsider(int listener, Peers peers, bool* turned_away) {
  Fd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer) return Fd();
  ucred who{};
  socklen_t size = sizeof(who);
  if (::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return Fd();
  if (peers == Peers::any || who.pid == 0) return peer;
  if (turned_away != nullptr) *turned_away = true;
  return Fd();
}

bool Channel::listen(const char* path, Peers peers) {
  peers_ = peers;
  listen_ = listen_unix(path);
  return static_cast<bool>(listen_);
}

void Channel::use_stdio(int in, int out) {
  stdio_ = true;
  in_ = in;
  out_ = out;
  set_nonblocking(in);
  set_nonblocking(out);
}

bool Channel::wants_write() const {
  return out_ >= 0 && (!control_.empty() || (greeted_ && next_ < kept_.size()));
}

void Channel::accept() {
  bool turned_away = false;
  Fd peer = accept_outsider(listen_.get(), peers_, &turned_away);
  if (turned_away && !std::exchange(turned_away_, true)) {
    log("a process inside the sandbox tried to connect to the channel and was turned away");
  }
  if (!peer) return;
  disconnect();
  connection_ = std::move(peer);
  in_ = out_ = connection_.get();
}

void Channel::disconnect() {
  if (greeted_) disconnected_since_ = now_us();
  connection_.reset();
  in_ = out_ = -1;
  greeted_ = false;
  decoder_ = wire::Decoder();
  control_.clear();
  next_ = offset_ = 0;
}

void Channel::read() {
  if (in_ < 0) return;
  const auto space = decoder_.space();
  const ssize_t got = ::read(in_, space.data(), space.size());
  if (got > 0) return decoder_.filled(static_cast<std::size_t>(got));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  disconnect();
}

bool Channel::next(wire::Frame& frame) {
  while (in_ >= 0) {
    switch (decoder_.next(frame)) {
      case wire::Decoder::Step::need_more:
        return false;
      case wire::Decoder::Step::broken:
        disconnect();
        return false;
      case wire::Decoder::Step::frame:
        break;
    }
    const auto& header = frame.header;
    if (!greeted_) {
      if (!greet(frame)) disconnect();
      continue;
    }
    if (header.epoch != epoch_) continue;
    forget_acknowledged(header.ack);
    if (header.seq == 0 || header.seq <= last_received_) continue;
    if (header.seq != last_received_ + 1) {
      disconnect();  // something is missing: the host sends it again after the next hello
      return false;
    }
    last_received_ = header.seq;
    received_bytes_ += wire::header_size + header.length;
    if (received_bytes_ >= wire::ack_after) send_ack();
    return true;
  }
  return false;
}

bool Channel::greet(const wire::Frame& frame) {
  auto body = frame.body;
  wire::Hello hello;
  if (frame.header.type != wire::Type::hello || !wire::take(body, hello)) return false;
  if (frame.header.epoch <= epoch_) return false;
  epoch_ = frame.header.epoch;
  greeted_ = true;
  received_bytes_ = 0;
  host_changed_ = host_changed_ || hello.first != 0 || hello.last_seq < acknowledged_;
  forget_acknowledged(hello.last_seq);

  wire::Welcome welcome = facts_;
  welcome.version = wire::protocol_version;
  welcome.last_seq = last_received_;
  wire::Header header;
  header.type = wire::Type::welcome;
  header.epoch = epoch_;
  header.ack = last_received_;
  wire::append_frame(control_, header, wire::bytes_of(welcome));
  return true;
}

void Channel::forget_acknowledged(std::uint64_t ack) {
  ack = std::min(ack, highest_written_);
  acknowledged_ = std::max(acknowledged_, ack);
  while (!kept_.empty() && kept_.front().seq <= ack) {
    if (next_ == 0 && offset_ > 0) return;  // its rest must still be written
    if (next_ > 0) --next_;
    kept_bytes_ -= kept_.front().bytes.size() + kept_overhead;
    kept_.pop_front();
  }
}

void Channel::send_ack() {
  wire::Header header;
  header.type = wire::Type::guest_ack;
  header.epoch = epoch_;
  header.ack = last_received_;
  wire::append_frame(control_, header, {});
  received_bytes_ = 0;
}

void Channel::send(wire::Type type, std::uint16_t context, std::string_view first,
                   std::string_view second, std::uint8_t flags) {
  wire::Header header;
  header.type = type;
  header.flags = flags;
  header.context = context;
  header.length = static_cast<std::uint32_t>(first.size() + second.size());
  header.seq = next_seq_++;
  auto& kept = kept_.emplace_back();
  kept.seq = header.seq;
  kept.bytes.reserve(wire::header_size + header.length);
  kept.bytes.append(wire::bytes_of(header)).append(first).append(second);
  kept_bytes_ += kept.bytes.size() + kept_overhead;
}

void Channel::send_output(std::uint16_t context, const wire::Output& output,
                          std::string_view bytes) {
  if (!kept_.empty() && kept_.back().seq > highest_written_) {
    auto& last = kept_.back().bytes;
    wire::Header header;
    std::memcpy(&header, last.data(), sizeof(header));
    const bool same = header.type == wire::Type::output && header.context == context &&
                      std::memcmp(last.data() + sizeof(header), &output, sizeof(output)) == 0;
    if (same && header.length < wire::max_body) {
      const auto piece = bytes.substr(0, wire::max_body - header.length);
      bytes.remove_prefix(piece.size());
      header.length += static_cast<std::uint32_t>(piece.size());
      std::memcpy(last.data(), &header, sizeof(header));
      last.append(piece);
      kept_bytes_ += piece.size();
    }
  }
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, wire::max_body - sizeof(output));
    bytes.remove_prefix(piece.size());
    send(wire::Type::output, context, wire::bytes_of(output), piece);
  }
}

void Channel::log(std::string_view text) {
  if (!full()) send(wire::Type::log, 0, text.substr(0, 8192));
}

void Channel::flush() {
  while (wants_write()) {
    std::array<iovec, frames_per_write> pieces;
    std::size_t count = 0;
    // Acks and the welcome stand between frames: behind the rest of one that has been begun.
    const bool control_first = offset_ == 0 && !control_.empty();
    if (control_first) pieces[count++] = {control_.data(), control_.size()};
    if (greeted_) {
      for (auto at = next_; at < kept_.size() && count < pieces.size(); ++at) {
        auto& bytes = kept_[at].bytes;
        const std::size_t written = at == next_ ? offset_ : 0;
        if (written == 0) {
          // Epoch and acknowledgement are those of the moment of sending.
          wire::Header header;
          std::memcpy(&header, bytes.data(), sizeof(header));
          header.epoch = epoch_;
          header.ack = last_received_;
          std::memcpy(bytes.data(), &header, sizeof(header));
        }
        pieces[count++] = {bytes.data() + written, bytes.size() - written};
        if (!control_first && !control_.empty()) break;
      }
    }
    const ssize_t wrote = ::writev(out_, pieces.data(), static_cast<int>(count));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) return;
    if (wrote < 0) return disconnect();
    auto left = static_cast<std::size_t>(wrote);
    if (control_first) {
      const auto control = std::min(left, control_.size());
      control_.erase(0, control);
      left -= control;
    }
    while (left > 0) {
      auto& frame = kept_[next_];
      const auto piece = std::min(left, frame.bytes.size() - offset_);
      highest_written_ = std::max(highest_written_, frame.seq);
      received_bytes_ = 0;
      offset_ += piece;
      left -= piece;
      if (offset_ == frame.bytes.size()) {
        ++next_;
        offset_ = 0;
      }
    }
  }
}

}  // namespace caisson::guest
