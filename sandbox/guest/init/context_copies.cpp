// Copies of the head: checkpoints, going back to one, and branches.
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <algorithm>

#include "sandbox/guest/init/context.h"
#include "sandbox/guest/init/trees.h"

namespace caisson::guest {
namespace {

// A fork of a gigabyte takes some 20 ms; the copy of a head that has so many threads or so little
// CPU that it takes longer than this is done without.
constexpr Micros making_time = ms(3000);
constexpr Micros waking_time = ms(3000);

std::string home_message(const std::string& home) {
  std::string text = R"({"home":")";
  for (const char letter : home) {
    if (letter == '"' || letter == '\\') text += '\\';
    text += letter;
  }
  return text + "\"}";
}

}  // namespace

Context::Context(World& world, std::uint16_t number, const Context& origin, Copy copy)
    : world_(world),
      number_(number),
      request_(origin.request_),
      home_(world.setup.working_dir + "/" + branches_dir + "/" + std::to_string(number)),
      is_branch_(true),
      last_block_(origin.last_block_) {
  world_.kin.families.push_back({number_, 0});
  for (auto& sleeper : world_.kin.sleepers) {
    if (sleeper.pid == copy.pid) sleeper.context = number_;
  }
  state_ = HeadState::opening;
  ++world_.opening_heads;
  branch_ = std::move(copy);
  copier_ = start_copying(origin.home_, home_);
  if (copier_ > 0) {
    world_.kin.helpers.push_back(copier_);
  } else {
    give_up_branch("no process can be started to copy its directory");
  }
}

bool Context::make_copy(Pair& of, Making making) {
  std::vector<Fd> ends;
  ends.push_back(making.copy.pair.open());
  if (!ends.front()) return false;
  wire::Header header;
  header.type = wire::Type::fork;
  header.context = number_;
  // Of a process with one thread a cheaper copy can be made.
  const bool is_copy = &of != &head_.pair || waking_ > 0;
  const bool alone = is_copy || head_.memory().threads == 1;
  of.send(header, alone ? "\1" : "\0", {}, std::move(ends));
  making.give_up = now_us() + making_time;
  making_ = std::move(making);
  ++world_.opening_heads;
  return true;
}

void Context::make_checkpoint() {
  checkpoint_due_ = false;
  Making making;
  making.copy.number = live_;
  if (make_copy(head_.pair, std::move(making))) return;
  notes_ |= static_cast<std::uint32_t>(wire::Note::no_checkpoint);
  checkpoint_error_ = EMFILE;
}

void Context::on_copy() {
  if (!making_) return;
  Packet packet;
  switch (making_->copy.pair.receive(packet)) {
    case Pair::Received::nothing:
      return;
    case Pair::Received::closed:
      return copy_failed(ECHILD);
    case Pair::Received::broken:
      return copy_failed(EPROTO);
    case Pair::Received::packet:
      return copy_asleep(packet);
  }
}

void Context::copy_asleep(const Packet& packet) {
  Asleep asleep;
  auto body = packet.body;
  if (packet.header.type != wire::Type::asleep || !wire::take(body, asleep)) {
    return copy_failed(EPROTO);
  }
  if (asleep.error != 0) return copy_failed(asleep.error);
  // Whoever has the socket may say this: it must be a process of its own that is nobody else's
  // child, for its number to stay its own until we have reaped it.
  const auto process = world_.processes.read(packet.sender);
  const bool taken = packet.sender == head_.pid || world_.kin.is_protected(packet.sender);
  if (!process || process->parent != ::getpid() || taken) return copy_failed(EPROTO);

  auto made = std::move(*making_);
  making_.reset();
  --world_.opening_heads;
  made.copy.pid = packet.sender;
  world_.kin.sleepers.push_back({number_, made.copy.pid});
  ::kill(made.copy.pid, SIGSTOP);
  if (made.parent > 0) ::kill(made.parent, SIGSTOP);
  if (asleep.readable != 0) copies_readable_ = true;
  if (made.branch != 0) {
    branched_ = std::move(made);
  } else {
    copies_.push_back(std::move(made.copy));
    if (copies_.size() > world_.setup.limits.checkpoints) {
      drop(copies_.front());
      copies_.erase(copies_.begin());
    }
  }
  if (recovers_) recover();
}

void Context::copy_failed(std::uint32_t error) {
  char text[96];
  ::snprintf(text, sizeof(text), "its process could not be copied: error %u", error);
  log(text);
  const auto made = std::move(*making_);
  making_.reset();
  --world_.opening_heads;
  if (made.parent > 0) ::kill(made.parent, SIGSTOP);
  if (made.branch != 0) {
    world_.channel.send(wire::Type::refused, made.branch, text);
  } else {
    notes_ |= static_cast<std::uint32_t>(wire::Note::no_checkpoint);
    checkpoint_error_ = error;
  }
  if (recovers_) recover();
}

// Makes a copy the head. It forks its own replacement first; that of a branch can wait until it has
// said that it is there, for its original has a copy of that state too.
void Context::wake(Copy copy, bool is_branch) {
  if (state_ != HeadState::opening) ++world_.opening_heads;
  state_ = HeadState::opening;
  opened_by_ = now_us() + waking_time;
  used_ = false;
  live_ = copy.number;
  waking_ = copy.pid;
  head_.pair = std::move(copy.pair);
  std::vector<Fd> ends;
  if (!make_streams(ends)) return opening_failed("no descriptors are left for its pipes");
  const auto replace = [this] {
    if (world_.setup.limits.checkpoints == 0) return;
    Making making;
    making.copy.number = live_;
    make_copy(head_.pair, std::move(making));
  };
  if (!is_branch) replace();
  wire::Header header;
  header.type = wire::Type::wake;
  header.context = number_;
  head_.pair.send(header, is_branch ? home_message(home_) : "{}", {}, std::move(ends));
  if (is_branch) replace();
  ::kill(waking_, SIGCONT);
}

void Context::drop(Copy& copy) {
  kill_sleeper(copy.pid);
  copy.pair.close();
}

// It is nobody's stray while it dies, which takes a large one a while.
void Context::kill_sleeper(pid_t pid) {
  ::kill(pid, SIGKILL);
  std::erase_if(world_.kin.sleepers, [pid](const Sleeper& each) { return each.pid == pid; });
  world_.kin.helpers.push_back(pid);
}

void Context::close_copies() {
  for (auto& copy : copies_) drop(copy);
  copies_.clear();
  if (branch_) drop(*branch_);
  branch_.reset();
  if (branched_) drop(branched_->copy);
  branched_.reset();
  if (making_) --world_.opening_heads;
  making_.reset();  // it ends when it sees its pair closed
  if (copier_ > 0) ::kill(copier_, SIGKILL);
}

// One that sleeps, one that is about to wake, or the helper that copies a directory.
bool Context::on_copy_death(const Death& death) {
  if (copier_ > 0 && death.pid == copier_) {
    copier_ = 0;
    std::erase(world_.kin.helpers, death.pid);
    if (!branch_) return true;
    if (const char* problem = copying_problem(death.status)) {
      give_up_branch(problem);
    } else {
      auto copy = std::move(*branch_);
      branch_.reset();
      wake(std::move(copy), true);
    }
    return true;
  }
  if (waking_ > 0 && death.pid == waking_) {
    std::erase_if(world_.kin.sleepers,
                  [&death](const Sleeper& each) { return each.pid == death.pid; });
    waking_ = 0;
    woken_died_ = true;
    opening_failed("its checkpoint died as it woke");
    return true;
  }
  const auto at = std::find_if(copies_.begin(), copies_.end(),
                               [&death](const Copy& copy) { return copy.pid == death.pid; });
  if (at == copies_.end()) return false;
  log("a checkpoint was killed");
  // As long as the state is there it can be copied again.
  if (at->number == live_ && !running_ && state_ == HeadState::alive) checkpoint_due_ = true;
  std::erase_if(world_.kin.sleepers,
                [&death](const Sleeper& each) { return each.pid == death.pid; });
  copies_.erase(at);
  return true;
}

void Context::keep(std::uint64_t block) {
  if (!held_ || block != last_block_) return;
  held_ = false;
  checkpoint_due_ = world_.setup.limits.checkpoints > 0;
}

void Context::rollback(std::uint64_t checkpoint) {
  if (running_) return answer_rollback(EBUSY);
  const auto wanted =
      std::find_if(copies_.rbegin(), copies_.rend(),
                   [checkpoint](const Copy& copy) { return copy.number == checkpoint; });
  if (checkpoint != 0 && wanted == copies_.rend()) return answer_rollback(ENOENT);
  answers_rollback_ = true;
  checkpoint_due_ = held_ = false;
  if (state_ == HeadState::alive) sweep_family(Victims::all);
  while (!copies_.empty() && (checkpoint == 0 || copies_.back().number != checkpoint)) {
    drop(copies_.back());
    copies_.pop_back();
  }
  died_idle_.reset();
  used_ = true;
  forget_head();
  recover();
}

void Context::answer_rollback(std::uint32_t problem) {
  answers_rollback_ = false;
  const wire::Restored restored{live_, problem, 0};
  world_.channel.send(wire::Type::restored, number_, wire::bytes_of(restored));
}

void Context::branch(std::uint16_t number, const wire::Branch& request) {
  const auto refuse = [this, number](std::string_view why) {
    world_.channel.send(wire::Type::refused, number, why);
  };
  Making making;
  making.branch = number;
  making.copy.number = live_;
  auto* pair = &head_.pair;
  if (request.checkpoint != wire::newest && request.checkpoint != live_) {
    const auto at = std::find_if(copies_.begin(), copies_.end(), [&request](const Copy& copy) {
      return copy.number == request.checkpoint;
    });
    if (at == copies_.end()) return refuse("there is no checkpoint of that block any more");
    pair = &at->pair;
    making.copy.number = at->number;
    making.parent = at->pid;
    ::kill(at->pid, SIGCONT);
  } else if (running_ || state_ != HeadState::alive) {
    return refuse("the session is busy or has just lost its process: try again");
  }
  if (!make_copy(*pair, std::move(making))) refuse("no descriptors are left in the sandbox");
}

void Context::give_up_branch(const char* why) {
  is_over_ = true;
  world_.channel.send(wire::Type::refused, number_, why);
}

void Context::inherit(const Context& from) {
  replace_tree(home_, from.home_);
  home_ = from.home_;
  wire::Header header;
  header.type = wire::Type::moved;
  header.context = number_;
  head_.pair.send(header, home_message(home_));
}

}  // namespace caisson::guest
