// What a session can do with its checkpoints: go back, branch, try something and forget it.
#include <errno.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "sandbox/base/json.h"
#include "sandbox/base/nursery.h"
#include "sandbox/session/block_journal.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/session.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_candidates = 64;
// A rollback or a branch is a fork of a process that sleeps: milliseconds. The copy of a working
// directory of half a gigabyte takes about a second.
constexpr auto answer_time = 30s;

std::string describe_steps(const SessionState& state, std::uint32_t kept) {
  if (kept == 0) return "the policy keeps none (session.checkpoints is 0)";
  return fmt::format(
      "the session is at #{}, and the policy keeps the states of the last {} block{} "
      "(session.checkpoints); #0 is a fresh session",
      state.checkpoint, kept, kept == 1 ? "" : "s");
}

// What a check gave: True and numbers count, everything else does not.
std::optional<double> score_of(const Outcome& check) {
  if (check.status != Status::ok || !check.value.is_object()) return std::nullopt;
  const auto text = get_string(check.value, "text/plain");
  if (text == "True" || text == "np.True_") return 1.0;
  if (text == "False" || text == "np.False_") return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || std::isnan(number)) return std::nullopt;
  return number;
}

// For as long as no block of a session may start.
class Moving {
 public:
  Moving(bool& flag, Condition& change) : flag_(flag), change_(change) { flag_ = true; }
  ~Moving() {
    flag_ = false;
    change_.notify();
  }
  Moving(const Moving&) = delete;
  Moving& operator=(const Moving&) = delete;

 private:
  bool& flag_;
  Condition& change_;
};

}  // namespace

boost::asio::awaitable<Result<SessionState>> Session::rollback(std::uint64_t checkpoint,
                                                               Deadline deadline) {
  if (auto turn = co_await take_turn(deadline); !turn) co_return turn.error();
  co_return co_await go_back(checkpoint, deadline);
}

boost::asio::awaitable<Result<SessionState>> Session::go_back(std::uint64_t checkpoint,
                                                              Deadline deadline) {
  auto& context = sandbox_.contexts_[context_];
  const Moving moving(context.moving, sandbox_.change_);
  context.restored.reset();
  const wire::Rollback request{checkpoint};
  sandbox_.send(wire::Type::rollback, context_, wire::bytes_of(request));
  const auto limit = deadline.sooner(Deadline::after(answer_time));
  while (!context.restored && !closed() && !limit.passed()) {
    co_await sandbox_.change_.wait(limit);
  }
  if (closed()) co_return Error(Errc::closed, "the session has ended: " + sandbox_.lost_reason());
  if (!context.restored) co_return Error(Errc::timed_out, "the sandbox did not go back in time");
  if (context.restored->problem == ENOENT) {
    co_return Error(Errc::not_found,
                    fmt::format("there is no checkpoint #{}: {}", checkpoint,
                                describe_steps(state_, sandbox_.policy().session.checkpoints)));
  }
  if (context.restored->problem != 0) {
    co_return Error(Errc::unavailable, "a block of this session still runs");
  }
  state_ = {StateChange::rolled_back, static_cast<std::uint32_t>(context.restored->checkpoint)};
  if (journal_ != nullptr) {
    if (auto written = journal_->went_back(state_.checkpoint); !written) {
      notes_["journal"] = "off: " + written.error().message;
    }
  }
  if (context.restored->checkpoint != checkpoint) {
    co_return Error(Errc::io, fmt::format("checkpoint #{} did not wake (was memory short?); the "
                                          "session is at #{} now",
                                          checkpoint, state_.checkpoint));
  }
  co_return state_;
}

// After a block that was executed on hold.
boost::asio::awaitable<void> Session::settle_error(const Block&, Outcome& outcome,
                                                   SessionState before) {
  if (outcome.state.change != StateChange::committed) co_return;
  if (outcome.status == Status::ok) {
    const wire::BlockNumber number{outcome.block};
    sandbox_.send(wire::Type::keep, context_, wire::bytes_of(number));
    co_return;
  }
  const auto back = co_await go_back(before.checkpoint, Deadline::after(answer_time));
  if (back) {
    outcome.state = *back;
  } else {
    outcome.state = state_;
    outcome.guarantees["on_error"] =
        "off: the block's effects could not be undone: " + back.error().message;
    const wire::BlockNumber number{outcome.block};
    sandbox_.send(wire::Type::keep, context_, wire::bytes_of(number));
  }
}

boost::asio::awaitable<Result<std::unique_ptr<Session>>> Session::branch(
    Deadline deadline, std::optional<std::uint64_t> checkpoint) {
  if (auto turn = co_await take_turn(deadline); !turn) co_return turn.error();
  const auto number = ++sandbox_.last_context_;
  auto& context = sandbox_.contexts_[number];
  const Moving moving(sandbox_.contexts_[context_].moving, sandbox_.change_);
  wire::Branch request;
  request.checkpoint = checkpoint.value_or(wire::newest);
  request.from = context_;
  sandbox_.send(wire::Type::branch, number, wire::bytes_of(request));
  const auto limit = deadline.sooner(Deadline::after(answer_time));
  while (!context.opened && context.refusal.empty() && !closed() && !limit.passed()) {
    co_await sandbox_.change_.wait(limit);
  }
  if (context.opened) {
    co_return std::make_unique<Session>(
        sandbox_, number, context.facts.last_block,
        SessionState{StateChange::unchanged, static_cast<std::uint32_t>(context.facts.checkpoint)});
  }
  const auto refusal = context.refusal;
  if (refusal.empty()) {
    // It may still come: then it is not wanted any more.
    sandbox_.send(wire::Type::close, number, {});
  }
  sandbox_.contexts_.erase(number);
  if (closed()) co_return Error(Errc::closed, "the session has ended: " + sandbox_.lost_reason());
  if (refusal.empty()) co_return Error(Errc::timed_out, "the branch was not there in time");
  if (checkpoint && refusal.starts_with("there is no checkpoint")) {
    co_return Error(Errc::not_found,
                    fmt::format("there is no checkpoint #{}: {}", *checkpoint,
                                describe_steps(state_, sandbox_.policy().session.checkpoints)));
  }
  co_return Error(Errc::unsupported, "the session cannot be branched: " + refusal);
}

boost::asio::awaitable<Result<Outcome>> Session::dry_run(Block block, Deadline deadline,
                                                         OutputSink& sink, ToolHost& tools) {
  auto aside = co_await branch(deadline);
  if (!aside) co_return aside.error();
  std::exception_ptr problem;
  std::optional<Result<Outcome>> outcome;
  try {
    outcome = co_await (*aside)->execute(std::move(block), deadline, sink, tools);
  } catch (...) {
    problem = std::current_exception();
  }
  (*aside)->close();
  if (problem) std::rethrow_exception(problem);
  if (*outcome && (*outcome)->state.change != StateChange::lost) {
    (*outcome)->state = {StateChange::unchanged, state_.checkpoint};
  }
  co_return std::move(*outcome);
}

boost::asio::awaitable<Result<Choice>> Session::best_of(std::vector<Block> candidates,
                                                        std::string check, Deadline deadline,
                                                        ToolHost& tools) {
  if (candidates.empty() || candidates.size() > max_candidates) {
    co_return Error(Errc::bad_input, fmt::format("between 1 and {} candidates can be tried, not {}",
                                                 max_candidates, candidates.size()));
  }
  Choice choice;
  choice.candidates.resize(candidates.size());
  std::vector<std::unique_ptr<Session>> branches(candidates.size());
  std::optional<Error> failure;
  std::size_t next = 0;
  const auto close_all = [&branches] {
    for (auto& each : branches) {
      if (each) each->close();
    }
  };
  const auto try_some = [&]() -> boost::asio::awaitable<void> {
    NullSink sink;
    while (next < candidates.size() && !failure) {
      const auto at = next++;
      auto& mine = choice.candidates[at];
      auto made = co_await branch(deadline);
      if (!made) {
        failure = made.error();
        co_return;
      }
      branches[at] = std::move(*made);
      auto outcome = co_await branches[at]->execute(candidates[at], deadline, sink, tools);
      if (outcome && outcome->status == Status::ok) {
        mine.outcome = std::move(*outcome);
        Block question;
        question.code = check;
        question.label = "check";
        // In a branch again: what the check does is not part of the candidate's state.
        outcome = co_await branches[at]->dry_run(std::move(question), deadline, sink, tools);
        if (outcome) {
          mine.score = score_of(*outcome);
          mine.check = std::move(*outcome);
        }
      } else if (outcome) {
        mine.outcome = std::move(*outcome);
      }
      if (!outcome) failure = outcome.error();
      if (!mine.score) {
        branches[at]->close();
        branches[at].reset();
      }
    }
  };
  try {
    Nursery lanes(co_await boost::asio::this_coro::executor);
    const auto width = std::max(1.0, std::floor(sandbox_.policy().resources.cpus));
    for (std::size_t i = 0; i < std::min(candidates.size(), static_cast<std::size_t>(width)); ++i) {
      lanes.start(try_some());
    }
    co_await lanes.join();
  } catch (...) {
    close_all();
    throw;
  }
  if (!failure) {
    for (std::size_t i = 0; i < branches.size(); ++i) {
      const auto& score = choice.candidates[i].score;
      if (score && (!choice.chosen || *score > *choice.candidates[*choice.chosen].score)) {
        choice.chosen = i;
      }
    }
    if (choice.chosen) {
      if (auto turn = co_await take_turn(deadline); !turn) failure = turn.error();
    }
  }
  if (!failure && choice.chosen) {
    become(*branches[*choice.chosen], candidates[*choice.chosen],
           choice.candidates[*choice.chosen].outcome);
  }
  close_all();
  if (failure) co_return *failure;
  co_return choice;
}

// The branch's context is this session's from now on, with its working directory in the old place.
void Session::become(Session& winner, const Block& block, const Outcome& outcome) {
  if (journal_ != nullptr) {
    auto written = journal_->begin(outcome.block, block);
    if (written) written = journal_->end(outcome);
    if (!written) notes_["journal"] = "off: " + written.error().message;
  }
  const wire::Close close{winner.context_, 0, 0};
  sandbox_.send(wire::Type::close, context_, wire::bytes_of(close));
  sandbox_.contexts_.erase(context_);
  context_ = winner.context_;
  last_block_ = winner.last_block_;
  state_ = winner.state_;
  winner.ended_ = true;
}

void Session::close() {
  if (std::exchange(ended_, true) || !sandbox_.lost_reason().empty()) return;
  auto& context = sandbox_.contexts_[context_];
  sandbox_.send(wire::Type::close, context_, {});
  // The call that waits for its block is told what has become of it.
  if (context.running != nullptr) context.running->lose("the session was closed");
  if (!context.moving) sandbox_.contexts_.erase(context_);
  sandbox_.change_.notify();
}

}  // namespace caisson
