// The processes of a context: what they use, and their end.
#include <signal.h>

#include <algorithm>

#include "sandbox/guest/init/context.h"
#include "sandbox/guest/init/memory.h"

namespace caisson::guest {
namespace {

// All pids cannot be used once around within this time, so an unchanged last pid says that nothing
// was forked.
constexpr Micros last_pid_is_proof = ms(100);
// So many processes can be looked at while they run.
constexpr std::size_t calm = 32;

}  // namespace

// CPU time of all its processes since some moment, for which it looks at them.
Micros Context::cpu_now() {
  if (head_.pid > 0 && may_have_family(now_us()) && (frozen_ || !is_crowd())) look_at_family();
  return cpu_total();
}

// As of the last look. Does not fall within a block: what a process has used stays used when it
// ends without a trace.
Micros Context::cpu_total() {
  const Micros now = (head_.has_cpu_clock ? head_.cpu() : dead_head_cpu_) + family_cpu_;
  highest_cpu_ = std::max(highest_cpu_, now);
  return highest_cpu_;
}

// Whether all its processes together use more than the policy lets the code have. RLIMIT_DATA
// bounds each of them alone, and not what is mapped as shared.
bool Context::uses_too_much_memory() {
  const auto limit = world_.setup.limits.memory_bytes;
  if (limit == 0 || state_ != HeadState::alive) return false;
  // A crowd that uses much memory meets the container's own limit.
  if (is_crowd()) return false;
  if (may_have_family(now_us())) look_at_family();
  const auto sum = [this](std::uint64_t (*bytes_of)(pid_t)) {
    std::uint64_t bytes = bytes_of(head_.pid);
    if (family_size_ == 0) return bytes;
    for (const auto& process : world_.processes.all()) {
      if (is_stray(process)) bytes += bytes_of(process.pid);
    }
    return bytes;
  };
  return sum(resident_bytes) > limit && sum(proportional_bytes) > limit;
}

// Whether there can be processes of the context besides its head.
bool Context::may_have_family(Micros now) {
  if (family_size_ > 0 || now - looked_at_ > last_pid_is_proof) return true;
  const auto last = world_.processes.last_pid();
  if (last == 0 || last != last_pid_) return true;
  looked_at_ = now;
  return false;
}

void Context::look_at_family() {
  const bool frozen = !frozen_ && stop_a_crowd();
  scan_family();
  if (frozen) let_others_go();
}

// Until the block has ended.
void Context::freeze() {
  frozen_ = frozen_ || stop_everybody();
}

// Of all that is stopped only the head may go on: it has to end the block.
void Context::interrupt_head() {
  ::kill(head_.pid, SIGINT);
  if (frozen_) ::kill(head_.pid, SIGCONT);
}

// Hundreds of processes that spin use up the container's CPU quota, init's share with it, so that
// each of its system calls takes a tenth of a second. One is enough to stop them all.
bool Context::stop_a_crowd() {
  return is_crowd() && stop_everybody();
}

// As PID 1 init sees nobody but its own; elsewhere it could not tell.
bool Context::is_crowd() {
  return ::getpid() == 1 && world_.processes.count() > calm;
}

void Context::scan_family() {
  last_pid_ = world_.processes.last_pid();
  looked_at_ = now_us();
  world_.processes.scan(world_.kin);
  measure_family();
}

void Context::measure_family() {
  family_cpu_ = 0;
  family_size_ = 0;
  for (const auto& process : world_.processes.all()) {
    if (process.pid == head_.pid) {
      family_cpu_ += process.children_cpu;
    } else if (is_stray(process)) {
      family_cpu_ += process.cpu + process.children_cpu;
      if (process.alive()) ++family_size_;
    }
  }
}

// An orphan whose origin is unknown is this context's when it can be nobody else's.
bool Context::is_stray(const Process& process) const {
  if (process.pid == head_.pid) return false;
  if (process.owner == number_) return true;
  const int others = world_.running_blocks - (running_ ? 1 : 0);
  return process.owner == owner_unknown && others == 0 && world_.opening_heads == 0;
}

Sweep Context::sweep_family(Victims who) {
  const bool frozen = std::exchange(frozen_, false) || stop_a_crowd();
  const auto swept = sweep(world_.reaper, [this, who](std::vector<pid_t>& pids) {
    scan_family();
    for (const auto& process : world_.processes.all()) {
      bool victim = is_stray(process);
      if (process.pid == head_.pid) victim = who == Victims::all;
      if (who == Victims::strays_of_the_block && process.start < block_.started_ticks) {
        victim = false;
      }
      if (victim && process.alive()) pids.push_back(process.pid);
    }
  });
  if (!swept.clean) log("processes of it do not die");
  if (frozen) let_others_go();
  return swept;
}

// Who was stopped for the time of a sweep and lives on.
void Context::let_others_go() {
  const auto& sleepers = world_.kin.sleepers;
  for (const auto& process : world_.processes.all()) {
    const bool sleeps =
        std::any_of(sleepers.begin(), sleepers.end(),
                    [&process](const Sleeper& each) { return each.pid == process.pid; });
    if (process.pid != ::getpid() && !sleeps) ::kill(process.pid, SIGCONT);
  }
}

}  // namespace caisson::guest
