// A live Python state: blocks run in it one after another, and its names outlive each of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"
#include "sandbox/session/outcome.h"
#include "sandbox/session/tool_host.h"

namespace caisson {

class BlockJournal;
class Sandbox;

// One piece of code to run, and bounds that may be tighter than the policy's. Zero: the policy's.
struct Block {
  enum class Kind {
    code,   // the value of its last expression is the outcome's value
    tools,  // a file of the user's functions: Outcome::loaded lists what it defines
  };
  std::string code;  // UTF-8 Python; at most the policy's input.max_bytes
  Kind kind = Kind::code;
  std::string label;  // its name in tracebacks; empty: "block <number>"
  std::chrono::milliseconds
      wall{};  // from the start of the block; calls that wait for approval do not count
  std::chrono::milliseconds cpu{};  // user and system time of all its processes
};

class Session {
 public:
  // `last_block` and `state`: where an earlier process has left it.
  Session(Sandbox& sandbox, std::uint16_t context, std::uint64_t last_block = 0,
          SessionState state = {});
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Runs one block and waits until it ends.
  //
  // A block that fails is not an error: it comes back as an Outcome, and Outcome::state says where
  // the session stands. `deadline` bounds the whole wait, blocks before it included; when it
  // passes, the block is interrupted and the outcome is `cancelled`. Output reaches `sink` as it
  // appears, calls of host tools go to `tools`; both must outlive this call.
  //
  // A block that is not UTF-8, has a NUL or is longer than input.max_bytes does not run: `denied`.
  // Errors: closed (the session has ended), timed_out (an earlier block still runs).
  // A lost sandbox is Outcome{status: lost}, then Errc::closed from the next call on.
  // Cancellation: the block is interrupted, and this throws when the guest has said how it ended
  // (at the latest after the policy's kill_grace and five seconds, when the sandbox is given up).
  boost::asio::awaitable<Result<Outcome>> execute(Block block, Deadline deadline, OutputSink& sink,
                                                  ToolHost& tools);

  // Each block is written there before it is sent, and its end before execute() returns. It must
  // outlive the session. What cannot be written is a guarantee that is off in the outcome.
  void keep_journal(BlockJournal& journal) { journal_ = &journal; }
  // Goes into the guarantees of the next outcome: something that its reader should know.
  void note(std::string what, std::string why) { notes_[std::move(what)] = std::move(why); }

  std::uint16_t context() const { return context_; }
  // The highest number that a block of it has had, and where the last one has left the state.
  std::uint64_t last_block() const { return last_block_; }
  const SessionState& state() const { return state_; }
  bool closed() const;

 private:
  boost::asio::awaitable<Result<void>> take_turn(Deadline deadline);

  Sandbox& sandbox_;
  const std::uint16_t context_;
  std::uint64_t last_block_;
  SessionState state_;
  BlockJournal* journal_ = nullptr;
  std::map<std::string, std::string> notes_;
};

}  // namespace caisson
