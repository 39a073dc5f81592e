#include "sandbox/session/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <limits>
#include <optional>

#include "sandbox/base/json.h"
#include "sandbox/base/utf8.h"
#include "sandbox/policy/egress_verdict.h"
#include "sandbox/policy/fields.h"
#include "sandbox/session/block_journal.h"
#include "sandbox/session/denial_log.h"
#include "sandbox/session/nesting.h"
#include "sandbox/session/running_block.h"
#include "sandbox/session/sandbox.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

// How long after its own limits a guest may be silent before it is given up. init has to sweep the
// processes that a block leaves, which takes it up to 8 s on a machine that is very busy, and to
// wake a checkpoint (3 s).
constexpr auto silence = 30s;

struct InputProblem {
  std::string rule;
  std::string text;
};

// What is wrong with the text of a block.
std::optional<InputProblem> problem_of(const std::string& code, const Policy& policy) {
  if (code.size() > policy.input.max_bytes) {
    return InputProblem{"input.max_bytes",
                        fmt::format("the block is longer than {} bytes, all that the policy takes "
                                    "(input.max_bytes): put data into a file or make it smaller",
                                    policy.input.max_bytes)};
  }
  if (const auto at = invalid_utf8(code); at != code.size()) {
    const auto line =
        1 + std::count(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return InputProblem{"input.encoding",
                        fmt::format("the block is not UTF-8: byte 0x{:02x} at offset {}, line {}: "
                                    "save it as UTF-8",
                                    static_cast<unsigned char>(code[at]), at, line)};
  }
  if (const auto at = code.find('\0'); at != std::string::npos) {
    return InputProblem{"input.nul",
                        fmt::format("the block has a NUL byte at offset {}: take it out", at)};
  }
  if (const auto nesting = deepest_nesting(code); nesting.depth > policy.input.max_depth) {
    return InputProblem{"input.max_depth",
                        fmt::format("line {} is nested {} deep, and the policy takes {} "
                                    "(input.max_depth): put parts of it into names of their own",
                                    nesting.line, nesting.depth, policy.input.max_depth)};
  }
  return std::nullopt;
}

// The line of a character that reorders what a person sees of the code ("Trojan Source",
// CVE-2021-42574): U+202A to U+202E and U+2066 to U+2069. 0: there is none.
std::size_t reordered_line(std::string_view code) {
  for (std::size_t i = 0; i + 2 < code.size(); ++i) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(code[i + at]); };
    const bool marks = byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE;
    const bool isolates = byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
    if (byte(0) != 0xE2 || (!marks && !isolates)) continue;
    return 1 + static_cast<std::size_t>(
                   std::count(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(i), '\n'));
  }
  return 0;
}

// A block that did not run because of what it is.
Outcome refused(const Policy& policy, InputProblem problem, SessionState state) {
  Outcome outcome;
  outcome.status = Status::denied;
  outcome.reason = problem.text;
  outcome.state = {StateChange::unchanged, state.checkpoint};
  Denial denial;
  denial.layer = "input";
  denial.subject = "the block's text";
  const bool is_limit = find_field(problem.rule) != nullptr;
  denial.rule = is_limit ? rule_text(policy, problem.rule) : problem.rule + " (built in)";
  denial.hint = problem.text;
  if (is_limit) denial.fix = problem.rule + ": a larger value";
  outcome.denials.push_back(std::move(denial));
  return outcome;
}

// The smaller of the block's own bound and the policy's; 0 stands for none.
std::uint32_t bound_ms(std::chrono::milliseconds own, Millis policy) {
  const auto time = own > 0ms && (policy == Millis{} || own < policy) ? own : policy;
  const auto most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min<std::int64_t>(time.count(), most));
}

// The member of the guest's request that asks for a report, or null.
const char* question_of(Block::Kind kind) {
  switch (kind) {
    case Block::Kind::names:
      return "names";
    case Block::Kind::save:
      return "save";
    case Block::Kind::restore:
      return "restore";
    case Block::Kind::code:
    case Block::Kind::tools:
      break;
  }
  return nullptr;
}

}  // namespace

Session::Session(Sandbox& sandbox, std::uint16_t context, std::uint64_t last_block,
                 SessionState state)
    : sandbox_(sandbox), context_(context), last_block_(last_block), state_(state) {}

bool Session::closed() const {
  return ended_ || !sandbox_.lost_reason().empty();
}

boost::asio::awaitable<Result<void>> Session::take_turn(Deadline deadline) {
  const auto busy = [this] {
    const auto& context = sandbox_.contexts_[context_];
    return context.running != nullptr || context.moving;
  };
  while (!closed() && busy()) {
    if (deadline.passed()) {
      co_return Error(Errc::timed_out, "another block of this session still runs");
    }
    co_await sandbox_.change_.wait(deadline);
  }
  if (ended_) co_return Error(Errc::closed, "the session has been closed");
  if (closed()) co_return Error(Errc::closed, "the session has ended: " + sandbox_.lost_reason());
  co_return boost::system::in_place_value;
}

void Session::log_denials(Outcome& outcome) {
  const DenialPlace place{sandbox_.id(), sandbox_.directory_.facts().session,
                          sandbox_.policy().name};
  const auto written = DenialLog(sandbox_.options_.state_dir).write(place, outcome);
  if (!written) outcome.guarantees["denials"] = "not kept: " + written.error().message;
}

boost::asio::awaitable<Result<Outcome>> Session::execute(Block block, Deadline deadline,
                                                         OutputSink& sink, ToolHost& tools) {
  namespace this_coro = boost::asio::this_coro;
  const auto& policy = sandbox_.policy();
  if (auto problem = problem_of(block.code, policy)) {
    auto outcome = refused(policy, *problem, state_);
    log_denials(outcome);
    co_return outcome;
  }
  if (auto turn = co_await take_turn(deadline); !turn) co_return turn.error();

  auto send = [this](wire::Type type, std::string_view body) {
    sandbox_.send(type, context_, body);
  };
  if (const auto line = reordered_line(block.code); line > 0) {
    notes_["code"] = fmt::format("line {} has characters that reorder what is seen of it", line);
  }
  const auto number = ++last_block_;
  RunningBlock running(co_await this_coro::executor, number, policy, sandbox_.options_.compiled,
                       sink, tools, send);
  sandbox_.contexts_[context_].running = &running;

  wire::Execute request;
  request.block = number;
  request.wall_ms = bound_ms(block.wall, policy.time.block);
  request.cpu_ms = bound_ms(block.cpu, policy.time.cpu);
  request.grace_ms = static_cast<std::uint32_t>(policy.time.kill_grace.count());
  running.shorten(Millis(request.wall_ms) != policy.time.block,
                  Millis(request.cpu_ms) != policy.time.cpu);
  if (block.on_error == Block::OnError::rollback) request.flags = wire::hold;
  const bool looks_only = block.kind == Block::Kind::names || block.kind == Block::Kind::save;
  if (looks_only) request.flags = wire::look;
  nlohmann::json body{{"code", block.code}};
  if (!block.label.empty()) body["label"] = block.label;
  if (block.kind == Block::Kind::tools) body["load"] = true;
  if (const char* question = question_of(block.kind)) body[question] = block.request;
  std::string message(wire::bytes_of(request));
  message += to_text(body);
  const auto note_journal = [this](const Result<void>& written) {
    if (!written) notes_["journal"] = "off: " + written.error().message;
  };
  const bool journaled = journal_ != nullptr && !looks_only && block.kind != Block::Kind::restore;
  if (journaled) note_journal(journal_->begin(number, block));
  if (journal_ != nullptr && block.kind == Block::Kind::restore) {
    notes_["journal"] = "names that were restored from a file are not made again with the session";
  }
  send(wire::Type::execute, message);

  // A block that was started is always seen to its end, also when the caller is cancelled: only
  // the guest knows how it ended, and `running` is on this stack.
  co_await this_coro::throw_if_cancelled(false);
  bool cancelled = false;
  auto limit = deadline;
  if (request.wall_ms > 0) {
    // No host tool may pause the clocks yet, so init must have spoken by then.
    limit =
        limit.sooner(Deadline::after(Millis(request.wall_ms) + policy.time.kill_grace + silence));
  }
  // init should speak soon after the block's own limits. When it does not, a crowd of processes may
  // be keeping it from running at all.
  auto overdue = Deadline::never();
  if (request.wall_ms > 0) {
    overdue = Deadline::after(Millis(request.wall_ms) + policy.time.kill_grace + 500ms);
  }
  bool lifted = false;
  bool interrupted = false;
  while (!running.ended()) {
    co_await running.wait(lifted ? limit : overdue.sooner(limit));
    if (running.ended()) break;
    if (!lifted && overdue.passed()) {
      lifted = true;
      co_await sandbox_.lift_cpu_limit(true);
      continue;
    }
    const auto state = co_await this_coro::cancellation_state;
    if (!cancelled && state.cancelled() != boost::asio::cancellation_type::none) {
      cancelled = true;
      co_await this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    } else if (!limit.passed()) {
      continue;
    }
    if (interrupted) {
      sandbox_.lose("the guest did not answer in time");
      break;
    }
    interrupted = true;
    wire::Interrupt interrupt;
    interrupt.block = number;
    interrupt.grace_ms = request.grace_ms;
    interrupt.reason = static_cast<std::uint32_t>(wire::Ending::cancelled);
    send(wire::Type::interrupt, wire::bytes_of(interrupt));
    limit = Deadline::after(policy.time.kill_grace + silence);
    overdue = overdue.sooner(Deadline::after(policy.time.kill_grace + 500ms));
  }
  if (lifted) co_await sandbox_.lift_cpu_limit(false);
  co_await running.settle();
  if (const auto mine = sandbox_.contexts_.find(context_); mine != sandbox_.contexts_.end()) {
    mine->second.running = nullptr;
  }
  sandbox_.change_.notify();
  auto outcome = running.take_outcome();
  const auto before = std::exchange(state_, outcome.state);
  if (journaled) note_journal(journal_->end(outcome));
  log_denials(outcome);
  if (cancelled) {
    co_await this_coro::reset_cancellation_state(boost::asio::enable_terminal_cancellation());
  }
  co_await this_coro::throw_if_cancelled(true);
  if (cancelled) throw boost::system::system_error(boost::asio::error::operation_aborted);
  for (const auto& [what, why] : sandbox_.guarantees().items()) {
    outcome.guarantees[what] = why;
  }
  for (auto& [what, why] : std::exchange(notes_, {})) outcome.guarantees[what] = why;
  if (block.on_error == Block::OnError::rollback) co_await settle_error(block, outcome, before);
  co_return outcome;
}

}  // namespace caisson
