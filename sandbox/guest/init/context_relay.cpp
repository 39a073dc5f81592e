// What a head says, on its way to the host: headers are checked, bodies are passed on unread.
#include "sandbox/guest/init/context.h"

namespace caisson::guest {
namespace {

// Frames taken from one head before others have their turn.
constexpr int turn = 64;
// Between a head's last word and its end as a process lies only what the kernel does.
constexpr Micros dying_time = ms(1000);

}  // namespace

void Context::on_head(short events) {
  if ((events & POLLOUT) != 0) head_.pair.flush();
  if ((events & (POLLIN | POLLHUP | POLLERR)) == 0) return;
  Packet packet;
  for (int i = 0; i < turn && !world_.channel.full() && head_.pair.fd() >= 0; ++i) {
    const bool was_running = running_;
    switch (head_.pair.receive(packet)) {
      case Pair::Received::nothing:
        return;
      case Pair::Received::closed:
        if (state_ == HeadState::opening) return opening_failed("its process could not start");
        // It is about to die, in most cases; a head that only closed it is killed later.
        dead_by_ = now_us() + dying_time;
        head_.pair.close();
        return;
      case Pair::Received::broken:
        return breach("a packet is not a frame");
      case Pair::Received::packet:
        break;
    }
    if (!relay(packet)) return;
    // After a result there is nothing more, usually: no need to ask.
    if (was_running && !running_) return;
  }
}

// False when the head has been given up.
bool Context::relay(const Packet& packet) {
  const auto& header = packet.header;
  const char* problem = nullptr;
  if (header.context != number_) {
    problem = "a frame of another context";
  } else if (state_ == HeadState::opening) {
    const bool expected = waking_ == 0 ? packet.sender > 0 : packet.sender == waking_;
    if (header.type == wire::Type::opened && expected) {
      head_opened(packet);
      return true;
    }
    problem = "it did not begin with `opened`";
  } else if (packet.sender != head_.pid) {
    problem = "a process that it started wrote to its control socket";
  } else if (header.type < wire::Type::display || header.type > wire::Type::result) {
    problem = "a type of frame that it must not send";
  } else {
    return relay_in_block(packet);
  }
  if (!block_.died) breach(problem);
  return false;
}

bool Context::relay_in_block(const Packet& packet) {
  const auto& header = packet.header;
  const bool more = (header.flags & wire::flag_more) != 0;
  auto& partial = partials_[static_cast<int>(header.type) - static_cast<int>(wire::Type::display)];
  const char* problem = nullptr;
  if (!partial.open) {
    auto body = packet.body;
    wire::BlockNumber number;
    const bool known = wire::take(body, number);
    const bool current = known && running_ && number.block == block_.number;
    // A thread may be late with what belongs to the block before; a result is never late.
    const bool late = known && header.type != wire::Type::result && number.block != 0 &&
                      number.block <= last_block_ && !current;
    if (!current && !late) problem = "a wrong block number";
    partial = {true, current, 0};
  }
  partial.size += packet.body.size();
  if (partial.size > wire::max_message) problem = "a message is longer than 16 MiB";
  if (problem != nullptr) {
    if (!block_.died) breach(problem);
    return false;
  }
  partial.open = more;
  if (!partial.relayed || !running_ || ended_) return true;
  if (partial.size == packet.body.size()) drain();  // what was printed before comes before
  if (!running_) return false;                      // it printed more than it may
  world_.channel.send(header.type, number_, packet.body, {},
                      static_cast<std::uint8_t>(header.flags & wire::flag_more));
  if (header.type == wire::Type::result && !more && !block_.died) completed();
  return state_ == HeadState::alive;
}

// A message whose end will not come is ended for the host; the rest of it, if there is any, is
// dropped.
void Context::close_partials() {
  for (int i = 0; i < 3; ++i) {
    auto& partial = partials_[i];
    if (!partial.open || !partial.relayed) continue;
    const auto type = static_cast<wire::Type>(static_cast<int>(wire::Type::display) + i);
    world_.channel.send(type, number_, {});
    partial.relayed = false;
  }
}

}  // namespace caisson::guest
