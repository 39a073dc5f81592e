// The life of a context's head; see context_relay.cpp and context_block.cpp for the rest.
#include "sandbox/guest/init/context.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

namespace caisson::guest {
namespace {

// The zygote forks a head in about a millisecond. After this long it hangs.
constexpr Micros opening_time = ms(10000);
// How often a running block's use of memory is looked at. What fills faster than this meets the
// container's own limit.
constexpr Micros memory_interval = ms(50);
// When init wakes so late, others have used up the container's CPU quota.
constexpr Micros starved = ms(30);
constexpr int max_back_off = 7;  // doublings of 10 ms

}  // namespace

Context::Context(World& world, std::uint16_t number, std::string_view request)
    : world_(world), number_(number), request_(request), home_(world.setup.working_dir) {
  world_.kin.families.push_back({number_, 0});
  open_head(now_us());
}

Context::~Context() {
  if (state_ == HeadState::opening) --world_.opening_heads;
  if (making_) --world_.opening_heads;
  if (running_) --world_.running_blocks;
  std::erase_if(world_.kin.families,
                [this](const Family& each) { return each.context == number_; });
}

void Context::log(const char* text) {
  char line[256];
  const int size = ::snprintf(line, sizeof(line), "context %u: %s", number_, text);
  world_.channel.log({line, std::min(static_cast<std::size_t>(size), sizeof(line) - 1)});
}

void Context::set_family(pid_t head) {
  for (auto& family : world_.kin.families) {
    if (family.context == number_) family.head = head;
  }
}

bool Context::make_streams(std::vector<Fd>& ends) {
  Fd out_end;
  Fd err_end;
  if (!make_pipe(out_.read, out_end) || !make_pipe(err_.read, err_end)) return false;
  out_.ended = err_.ended = false;
  ends.push_back(std::move(out_end));
  ends.push_back(std::move(err_end));
  return true;
}

// Gets a head for the context that has none: its newest checkpoint, else a new one.
void Context::recover() {
  // A copy in the making may become the newest; until then the family of the dead head is left
  // alone, for the copy still looks like one of it.
  recovers_ = making_.has_value();
  if (recovers_) return;
  if (std::exchange(to_be_swept_, false)) sweep_family(Victims::all);
  set_family(0);
  if (!copies_.empty()) {
    auto newest = std::move(copies_.back());
    copies_.pop_back();
    return wake(std::move(newest), false);
  }
  live_ = 0;
  if (ended_) report(wire::Left::rolled_back);
  // One that dies without having been asked anything would do so again.
  if (!used_) return back_off();
  failures_ = 0;
  open_head(now_us());
}

void Context::open_head(Micros now) {
  open_at_ = never;
  ends_.clear();
  ends_.push_back(head_.pair.open());
  if (!ends_.front() || !make_streams(ends_)) {
    ends_.clear();
    head_.pair.close();
    open_at_ = now + ms(100);
    return;
  }
  state_ = HeadState::opening;
  ++world_.opening_heads;
  hand_over();
}

void Context::hand_over() {
  if (world_.zygote.state != Zygote::State::ready) return;
  opened_by_ = now_us() + opening_time;
  world_.zygote.fork_head(number_, request_, std::exchange(ends_, {}));
}

void Context::zygote_ready() {
  if (state_ == HeadState::opening && !ends_.empty()) hand_over();
}

void Context::zygote_lost() {
  // A request that it has taken is gone with it.
  if (state_ == HeadState::opening && ends_.empty()) opening_failed("the zygote ended meanwhile");
}

void Context::head_opened(const Packet& packet) {
  state_ = HeadState::alive;
  --world_.opening_heads;
  opened_by_ = never;
  std::erase_if(world_.kin.sleepers,
                [&packet](const Sleeper& each) { return each.pid == packet.sender; });
  waking_ = 0;
  head_.begin(packet.sender);
  head_.oom_score_running = world_.setup.limits.oom_score_adj;
  set_family(head_.pid);
  own_kill_ = false;
  family_cpu_ = dead_head_cpu_ = highest_cpu_ = 0;
  family_size_ = 0;
  last_pid_ = world_.processes.last_pid();
  looked_at_ = now_us();
  if (ended_) report(wire::Left::rolled_back);
  // What had died was no more than a copy of this.
  if (died_idle_ && live_ == lost_) {
    died_idle_.reset();
    notes_ |= static_cast<std::uint32_t>(wire::Note::restored);
  }
  if (answers_rollback_) answer_rollback(0);
  // A block that waited for it has not used anything yet.
  if (running_) {
    head_.stand_in_front(true);
    const Instant start{block_.started, head_.cpu()};
    block_.clock.start(start, block_.clock.limits());
    block_.cpu_check_at = block_.clock.next_cpu_check(start, world_.processors);
  }
  used_ = running_;
  if (!announced_) announce();
}

void Context::announce() {
  // Asked while there is no head: the next one is announced.
  announced_ = state_ == HeadState::alive;
  if (!announced_) return;
  wire::Opened opened;
  opened.pid = static_cast<std::uint32_t>(head_.pid);
  opened.missing = world_.zygote.missing;
  opened.last_block = last_block_;
  opened.checkpoint = live_;
  opened.running = running_ ? 1 : 0;
  if (!head_.has_cpu_clock) opened.missing |= static_cast<std::uint32_t>(wire::Missing::cpu_clock);
  if (head_.memory().peak_bytes == 0) {
    opened.missing |= static_cast<std::uint32_t>(wire::Missing::peak_memory);
  }
  world_.channel.send(wire::Type::opened, number_, wire::bytes_of(opened));
}

void Context::opening_failed(const char* why) {
  log(why);
  const bool was_copy = waking_ > 0 || std::exchange(woken_died_, false);
  forget_head();
  // What was sent to it is lost.
  if (running_ && !ended_) finish({wire::Ending::signalled, SIGKILL});
  if (is_branch_ && !announced_) return give_up_branch(why);
  if (was_copy) return recover();
  live_ = 0;
  if (ended_) report(wire::Left::rolled_back);
  back_off();
}

// The first retries are quick: what was in the way may just be dying.
void Context::back_off() {
  open_at_ = now_us() + ms(10) * (1 << failures_);
  if (failures_ < max_back_off) ++failures_;
}

void Context::forget_head() {
  if (state_ == HeadState::opening) --world_.opening_heads;
  if (waking_ > 0) {
    kill_sleeper(waking_);
    waking_ = 0;
  }
  state_ = HeadState::none;
  head_.pid = 0;
  head_.pair.close();
  head_.status.reset();
  head_.oom_score.reset();
  ends_.clear();
  out_.read.reset();
  err_.read.reset();
  for (auto& partial : partials_) partial = {};
  opened_by_ = dead_by_ = never;
  renew_streams_ = false;
}

// What the kernel says of it is all that is left.
void Context::bury_head(const Death& death) {
  dead_head_cpu_ = death.cpu;
  dead_head_peak_ = death.peak_bytes;
  head_.has_cpu_clock = false;
  head_.status.reset();
}

// The head is dead. What the host is told of it waits until it is known what state is left.
void Context::lose_head(HowItEnded how) {
  if (running_) {
    finish(how);
  } else {
    died_idle_ = how;
    lost_ = live_;
    log("its process ended between two blocks");
  }
  forget_head();
  // A state that dies whenever it wakes is of no use.
  constexpr int tries = 3;
  if (!used_ && !copies_.empty() && ++failures_ % tries == 0) {
    drop(copies_.back());
    copies_.pop_back();
  }
  checkpoint_due_ = held_ = false;
  recover();
}

void Context::kill_head(wire::Ending ending) {
  if (state_ != HeadState::alive) {
    // The block has not even reached a process.
    forget_head();
    if (running_ && !ended_) finish({ending, 0});
    return recover();
  }
  cpu_now();
  if (!making_) {
    strays_killed_ = sweep_family(Victims::all).killed;
    if (strays_killed_ > 0) --strays_killed_;  // the head is none
  } else {
    ::kill(head_.pid, SIGKILL);
    to_be_swept_ = true;
  }
  if (const auto* death = world_.reaper.find(head_.pid)) bury_head(*death);
  lose_head({ending, 0});
}

void Context::breach(const char* what) {
  char text[200];
  ::snprintf(text, sizeof(text), "the worker broke the protocol and is killed: %s", what);
  log(text);
  kill_head(wire::Ending::protocol);
}

bool Context::on_death(const Death& death) {
  if (on_copy_death(death)) return true;
  if (state_ != HeadState::alive || death.pid != head_.pid) return false;
  // What it said before it died is still in the pair.
  block_.died = true;
  for (Packet packet; head_.pair.fd() >= 0;) {
    if (head_.pair.receive(packet) != Pair::Received::packet || !relay(packet)) break;
  }
  block_.died = false;
  cpu_now();
  bury_head(death);
  const auto how = explain(death.status);
  to_be_swept_ = making_.has_value();
  if (!to_be_swept_) strays_killed_ = sweep_family(Victims::all).killed;
  lose_head(how);
  return true;
}

Context::HowItEnded Context::explain(int status) {
  if (running_ && block_.stopping != wire::Ending::finished) return {block_.stopping, 0};
  if (WIFEXITED(status)) {
    return {wire::Ending::exited, static_cast<std::uint32_t>(WEXITSTATUS(status))};
  }
  const auto signal = static_cast<std::uint32_t>(WTERMSIG(status));
  if (signal == SIGKILL && !own_kill_) {
    const auto kills = count_oom_kills();
    const bool more = kills > world_.oom_kills;
    world_.oom_kills = kills;
    // Nobody in the sandbox can have sent it past init.
    if (more || world_.judges_signals) return {wire::Ending::out_of_memory, 0};
  }
  return {wire::Ending::signalled, signal};
}

void Context::close() {
  if (state_ == HeadState::alive) {
    cpu_now();
    sweep_family(Victims::all);
  }
  if (running_) {
    if (!ended_) finish({wire::Ending::cancelled, 0});
    report(wire::Left::lost);
  }
  close_copies();
  forget_head();
  set_family(0);
}

void Context::add_polls(Polls& polls) const {
  const bool read = !world_.channel.full();
  const int pair = head_.pair.fd();
  const short head_events =
      static_cast<short>((read ? POLLIN : 0) | (head_.pair.wants_write() ? POLLOUT : 0));
  if (pair >= 0 && head_events != 0) polls.add(pair, head_events, Source::head, number_);
  if (making_) polls.add(making_->copy.pair.fd(), POLLIN, Source::copy, number_);
  if (!read) return;
  if (!out_.ended) polls.add(out_.read.get(), POLLIN, Source::out, number_);
  if (!err_.ended) polls.add(err_.read.get(), POLLIN, Source::err, number_);
}

void Context::on_time(Micros now) {
  if (now >= open_at_) open_head(now);
  if (now >= opened_by_) {
    // It can't be killed, because nobody knows its number yet; a new zygote is the way out.
    opened_by_ = never;
    if (waking_ > 0) return opening_failed("its checkpoint does not wake");
    log("the zygote does not fork a process for it");
    if (world_.zygote.pid > 0) ::kill(world_.zygote.pid, SIGKILL);
  }
  if (now >= dead_by_) return breach("it has closed its control socket");
  if (making_ && now >= making_->give_up) copy_failed(ETIMEDOUT);
  if (!running_ || ended_) return;
  if (now >= block_.kill_at) {
    if (now - block_.kill_at > starved) freeze();
    return kill_head(block_.stopping);
  }
  if (now >= block_.interrupt_at) {
    block_.interrupt_at = never;
    if (state_ == HeadState::alive) interrupt_head();
  }
  if (block_.stopping != wire::Ending::finished) return;
  if (const Micros deadline = block_.clock.wall_deadline(now); now >= deadline) {
    if (now - deadline > starved) freeze();
    return stop_block(wire::Ending::timeout_wall, block_.grace, now);
  }
  if (now >= block_.memory_check_at) {
    const bool too_much = uses_too_much_memory();
    // Looking at hundreds of processes takes a while: never more than a tenth of the time.
    block_.memory_check_at = now_us() + std::max(memory_interval, 10 * (now_us() - now));
    if (too_much) return kill_head(wire::Ending::out_of_memory);
  }
  Instant instant{now, 0};
  if (now >= block_.cpu_check_at) {
    instant.cpu = cpu_now();
    block_.cpu_check_at = block_.clock.next_cpu_check(instant, world_.processors);
  }
  switch (block_.clock.due(instant)) {
    case BlockClock::Due::wall:
      return stop_block(wire::Ending::timeout_wall, block_.grace, now);
    case BlockClock::Due::cpu:
      return stop_block(wire::Ending::timeout_cpu, block_.grace, now);
    case BlockClock::Due::nothing:
      return;
  }
}

Micros Context::next_time(Micros now) const {
  Micros next = std::min({open_at_, opened_by_, dead_by_});
  if (making_) {
    next = std::min(next, making_->give_up);
  } else if (checkpoint_due_) {
    next = std::min(next, checkpoint_at_);
  }
  if (!running_ || ended_) return next;
  next = std::min({next, block_.kill_at, block_.interrupt_at});
  if (block_.stopping == wire::Ending::finished) {
    next = std::min(
        {next, block_.memory_check_at, block_.clock.wall_deadline(now), block_.cpu_check_at});
  }
  return next;
}

}  // namespace caisson::guest
