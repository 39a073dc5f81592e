// The block that runs in a context: clocks, output, what it leaves behind.
#include <signal.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>

#include "sandbox/guest/init/context.h"

namespace caisson::guest {
namespace {

using wire::Ending;
using wire::Left;

// What one stream may bring before others have their turn: a few full pipes.
constexpr std::size_t turn_bytes = 256 * 1024;
// A signal that comes before Python has begun the block would be ignored there.
constexpr Micros earliest_interrupt = ms(10);
// Most blocks have ended before; RLIMIT_DATA holds for each process from the start.
constexpr Micros first_memory_check = ms(20);
// The kernel does not interrupt a fork: whoever is woken by the answer and lands on the head's
// processor would wait for all of it (measured: 2.5 ms for a heap of 200 MB).
constexpr Micros after_the_answer = 500;

}  // namespace

// While the checkpoint of the block before is made no block runs: one that dies must have something
// to go back to.
bool Context::must_wait() const {
  return making_ || checkpoint_due_ || ended_ || answers_rollback_ || recovers_;
}

void Context::order(const wire::Frame& frame) {
  if (orders_.empty() && !must_wait()) return carry_out(frame);
  orders_.push_back({frame.header, std::string(frame.body)});
}

void Context::carry_out(const wire::Frame& frame) {
  auto body = frame.body;
  wire::Rollback back;
  wire::Branch request;
  switch (frame.header.type) {
    case wire::Type::rollback:
      if (wire::take(body, back)) rollback(back.checkpoint);
      return;
    case wire::Type::branch:
      if (wire::take(body, request)) branch(frame.header.context, request);
      return;
    default:
      return execute(frame);
  }
}

void Context::execute(const wire::Frame& frame) {
  auto body = frame.body;
  wire::Header header;
  header.type = wire::Type::execute;
  header.context = number_;
  header.flags = frame.header.flags & wire::flag_more;
  if (!execute_open_) {
    wire::Execute execute;
    execute_dropped_ = true;
    execute_open_ = frame.more();
    if (!wire::take(body, execute)) return log("an `execute` of the host is too short");
    if (execute.block <= last_block_) return;  // it has arrived before
    if (running_) return log("the host sent a block while another one runs: dropped");
    last_block_ = execute.block;
    start_block(execute);
    if (died_idle_) {
      const auto how = *died_idle_;
      died_idle_.reset();
      finish(how);
      return report(Left::rolled_back);
    }
    execute_dropped_ = false;
    const wire::BlockNumber number{execute.block};
    head_.pair.send(header, wire::bytes_of(number), body);
    if (may_have_family(block_.started)) {
      // Behind the head's back, while it begins: what is left of earlier blocks does not count.
      look_at_family();
      highest_cpu_ = 0;
      block_.clock.start({block_.started, cpu_total()}, block_.clock.limits());
    }
    return;
  }
  execute_open_ = frame.more();
  if (execute_dropped_ || !running_) return;
  if (!head_.pair.send(header, body)) kill_head(Ending::protocol);
}

void Context::start_block(const wire::Execute& execute) {
  if (state_ == HeadState::none) open_head(now_us());
  // What came between blocks belongs to none.
  drain();
  running_ = used_ = true;
  held_ = false;
  ++world_.running_blocks;
  block_ = {};
  block_.number = execute.block;
  block_.flags = execute.flags;
  block_.grace = ms(execute.grace_ms);
  block_.started = now_us();
  block_.started_ticks = world_.processes.ticks_now();
  block_.memory_check_at = block_.started + first_memory_check;
  const BlockClock::Limits limits{execute.wall_ms == 0 ? never : ms(execute.wall_ms),
                                  execute.cpu_ms == 0 ? never : ms(execute.cpu_ms)};
  highest_cpu_ = 0;
  const Instant now{block_.started, cpu_total()};
  block_.clock.start(now, limits);
  block_.cpu_check_at = block_.clock.next_cpu_check(now, world_.processors);
  out_.capture.begin(world_.setup.limits.stdout_bytes);
  err_.capture.begin(world_.setup.limits.stderr_bytes);
  strays_killed_ = 0;
  changes_.begin(home_);
  denials_.take();
  own_kill_ = false;
  head_.stand_in_front(true);
  if (early_interrupt_ && early_interrupt_->block == block_.number) interrupt(*early_interrupt_);
  early_interrupt_.reset();
}

void Context::tool_result(const wire::Frame& frame) {
  if (!running_) return;
  wire::Header header;
  header.type = wire::Type::tool_result;
  header.context = number_;
  header.flags = frame.header.flags & wire::flag_more;
  if (!head_.pair.send(header, frame.body)) kill_head(Ending::protocol);
}

void Context::interrupt(const wire::Interrupt& request) {
  if (!running_ && request.block > last_block_) early_interrupt_ = request;
  if (!running_ || ended_ || request.block != block_.number) return;
  const bool cancelled = request.reason == static_cast<std::uint32_t>(Ending::cancelled);
  stop_block(cancelled ? Ending::cancelled : Ending::interrupted, ms(request.grace_ms), now_us());
}

void Context::stop_block(Ending reason, Micros grace, Micros now) {
  block_.kill_at = std::min(block_.kill_at, now + grace);
  if (block_.stopping != Ending::finished) return;
  block_.stopping = reason;
  block_.interrupt_at = std::max(now, block_.started + earliest_interrupt);
  if (grace == 0) return kill_head(reason);
  if (block_.interrupt_at == now) on_time(now);
}

void Context::pause(std::uint64_t block) {
  if (!running_ || block != block_.number) return;
  block_.clock.pause({now_us(), cpu_now()});
  block_.cpu_check_at = never;
}

void Context::resume(std::uint64_t block) {
  if (!running_ || block != block_.number) return;
  const Instant now{now_us(), cpu_now()};
  block_.clock.resume(now);
  block_.cpu_check_at = block_.clock.next_cpu_check(now, world_.processors);
}

void Context::host_changed() {
  if (!orders_.empty() && (orders_.back().header.flags & wire::flag_more) != 0) {
    const auto type = orders_.back().header.type;
    while (!orders_.empty() && orders_.back().header.type == type &&
           (orders_.back().header.flags & wire::flag_more) != 0) {
      orders_.pop_back();
    }
  }
  if (!execute_open_) return;
  execute_open_ = false;
  if (execute_dropped_ || !running_) return;
  wire::Header header;
  header.type = wire::Type::execute;
  header.context = number_;
  head_.pair.send(header, {});
}

void Context::on_output(Source source) {
  read_stream(source == Source::out ? 1 : 2, turn_bytes);
  if (over_limit()) kill_head(Ending::output_limit);
}

// Reads at most so many bytes of what is there.
void Context::read_stream(std::uint8_t number, std::size_t bytes) {
  auto& stream = number == 1 ? out_ : err_;
  std::array<char, 64 * 1024> buffer;
  while (bytes > 0 && stream.read && !over_limit()) {
    const ssize_t got = ::read(stream.read.get(), buffer.data(), std::min(bytes, buffer.size()));
    if (got == 0) {
      // The block has closed its streams. Between blocks this is how a head looks that dies.
      stream.ended = true;
      renew_streams_ = true;
    }
    if (got <= 0) return;
    const auto size = static_cast<std::size_t>(got);
    bytes -= size;
    if (!running_) continue;
    const std::string_view piece(buffer.data(), size);
    const auto now = stream.capture.take(piece);
    if (now > 0) {
      world_.channel.send_output(number_, {block_.number, number, 0, 0, 0}, piece.substr(0, now));
    }
    if (size < buffer.size()) return;
  }
}

// Reads what the pipes hold at this moment, and not what comes meanwhile: somebody may write
// without end.
void Context::drain() {
  for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}}) {
    const auto& stream = number == 1 ? out_ : err_;
    int waiting = 0;
    if (!stream.read || ::ioctl(stream.read.get(), FIONREAD, &waiting) != 0) continue;
    if (waiting > 0) read_stream(number, static_cast<std::size_t>(waiting));
  }
}

bool Context::over_limit() const {
  if (!running_) return false;
  const auto& limits = world_.setup.limits;
  const auto out = out_.capture.total();
  const auto err = err_.capture.total();
  if (limits.total_bytes != 0 && out + err > limits.total_bytes) return true;
  return limits.kill_on_exceed != 0 && (out > limits.stdout_bytes || err > limits.stderr_bytes);
}

void Context::send_tail(std::uint8_t number) {
  const auto& capture = (number == 1 ? out_ : err_).capture;
  const wire::Output output{block_.number, number,
                            static_cast<std::uint8_t>(capture.dropped() > 0 ? 1 : 0), 0, 0};
  for (const auto piece : {capture.tail_first(), capture.tail_second()}) {
    if (!piece.empty()) world_.channel.send_output(number_, output, piece);
  }
}

// The head has sent its result.
void Context::completed() {
  drain();
  if (over_limit()) return kill_head(Ending::output_limit);
  if (may_have_family(now_us())) {
    look_at_family();
    // What a block has started is part of what is stopped when it is stopped.
    const bool only_new = world_.setup.limits.kill_strays == 0;
    if (family_size_ > 0 && (!only_new || block_.stopping != Ending::finished)) {
      const auto swept = sweep_family(only_new ? Victims::strays_of_the_block : Victims::strays);
      strays_killed_ = swept.killed;
      renew_streams_ = true;
    }
  }
  finish({block_.stopping, 0});
  if ((block_.flags & wire::look) != 0) return report(Left::unchanged);
  live_ = block_.number;
  report(Left::committed);
  const bool copies = world_.setup.limits.checkpoints > 0;
  held_ = copies && (block_.flags & wire::hold) != 0;
  checkpoint_due_ = copies && !held_;
  checkpoint_at_ = now_us() + after_the_answer;
}

// The block is over; report() tells the host, as soon as it is known what state is left.
void Context::finish(HowItEnded how) {
  const Micros now = now_us();
  drain();
  close_partials();
  send_tail(1);
  send_tail(2);
  for (auto& call : denials_.take()) {
    world_.channel.send(wire::Type::denied, number_, wire::bytes_of(call));
  }
  changes_.end(world_.channel, number_, block_.number);
  ended_ = true;
  finished_ = {};
  finished_.block = block_.number;
  finished_.ending = how.ending;
  finished_.detail = how.detail;
  finished_.wall_us = static_cast<std::uint64_t>(block_.clock.wall(now));
  finished_.cpu_us = static_cast<std::uint64_t>(block_.clock.cpu(cpu_total()));
  const auto memory = head_.memory();
  finished_.peak_bytes = head_.status ? memory.peak_bytes : dead_head_peak_;
  finished_.shared_bytes = memory.shared_bytes;
  finished_.out_bytes = out_.capture.total();
  finished_.err_bytes = err_.capture.total();
  finished_.strays_killed = strays_killed_;
  finished_.strays_kept = static_cast<std::uint32_t>(family_size_);
  // Each block has pipes of its own, so that what is written late cannot get into another block's
  // output. Pipes that nobody has used and that only the head holds are as good as new.
  if (finished_.out_bytes + finished_.err_bytes > 0 || family_size_ > 0) renew_streams_ = true;
}

void Context::report(Left left) {
  finished_.left = left;
  finished_.checkpoint = static_cast<std::uint32_t>(live_);
  finished_.notes = std::exchange(notes_, 0);
  finished_.checkpoint_error = std::exchange(checkpoint_error_, 0);
  world_.channel.send(wire::Type::finished, number_, wire::bytes_of(finished_));
  ended_ = running_ = false;
  --world_.running_blocks;
  head_.stand_in_front(false);
  if (std::exchange(frozen_, false)) let_others_go();
  if (execute_open_) execute_dropped_ = true;
}

// What need not be on a block's way: the pipes of the next one, and the checkpoint.
void Context::tidy() {
  if (!running_ && state_ == HeadState::alive) {
    if (renew_streams_) renew_streams();
    const bool now = !orders_.empty() || now_us() >= checkpoint_at_;
    if (checkpoint_due_ && !making_ && now) make_checkpoint();
  }
  if (state_ != HeadState::alive) checkpoint_due_ = false;
  while (!orders_.empty() && !must_wait()) {
    const auto order = std::move(orders_.front());
    orders_.pop_front();
    carry_out({order.header, order.body});
  }
}

void Context::renew_streams() {
  renew_streams_ = false;
  std::vector<Fd> ends;
  if (!make_streams(ends)) return log("no descriptors left for new pipes");
  wire::Header header;
  header.type = wire::Type::pipes;
  header.context = number_;
  head_.pair.send(header, {}, {}, std::move(ends));
}

void Context::denied(wire::DeniedCall call) {
  call.block = running_ ? block_.number : 0;
  if (denials_.add(call)) world_.channel.send(wire::Type::denied, number_, wire::bytes_of(call));
}

}  // namespace caisson::guest
