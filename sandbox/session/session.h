// A live Python state: blocks run in it one after another, and its names outlive each of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"
#include "sandbox/session/outcome.h"
#include "sandbox/session/state_report.h"
#include "sandbox/session/tool_host.h"

namespace caisson {

class Sandbox;

// One piece of code to run, and bounds that may be tighter than the policy's. Zero: the policy's.
struct Block {
  enum class Kind {
    code,   // the value of its last expression is the outcome's value
    tools,  // a file of the user's functions: Outcome::loaded lists what it defines
    // These have no code; `request` and Outcome::report are as wire/PROTOCOL.md says. The first two
    // leave the session's state as it is (StateChange::unchanged).
    names,    // what names there are, and what the last block changed
    save,     // names into a file of the sandbox
    restore,  // names from such a file
  };
  std::string code;  // UTF-8 Python; at most the policy's input.max_bytes
  Kind kind = Kind::code;
  nlohmann::json request;  // of names, save, restore
  std::string label;       // its name in tracebacks; empty: "block <number>"
  std::chrono::milliseconds
      wall{};  // from the start of the block; calls that wait for approval do not count
  std::chrono::milliseconds cpu{};  // user and system time of all its processes
};

class Session {
 public:
  Session(Sandbox& sandbox, std::uint16_t context);
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

  // What names the session has, their types and sizes, and what the last block changed, as
  // wire/PROTOCOL.md says: {"names": […], "total", "changed"}. No code of the user runs.
  // The three below wait their turn and run within the policy's limits, like a block.
  // Errors: those of execute; timed_out, too_large, io when a limit ended it; protocol.
  boost::asio::awaitable<Result<nlohmann::json>> names(Deadline deadline);

  // Saves names (none given: all of the user's) into a file of the sandbox, from which restore()
  // brings them into this or another session. `path` is relative to the session's working
  // directory. Not every value can be saved; StateReport::failed has the others. The file runs code
  // when it is restored and must never be read on the host: there it is bytes.
  // Errors: those of names(); bad_input, not_found, io about the file.
  boost::asio::awaitable<Result<StateReport>> save(std::string path,
                                                   std::optional<std::vector<std::string>> names,
                                                   Deadline deadline);
  // Names that the session has already are replaced. After an error they are as before.
  boost::asio::awaitable<Result<StateReport>> restore(std::string path, Deadline deadline);

  std::uint16_t context() const { return context_; }
  bool closed() const;

 private:
  boost::asio::awaitable<Result<void>> take_turn(Deadline deadline);
  // Runs a block without code; its report.
  boost::asio::awaitable<Result<nlohmann::json>> ask(Block::Kind kind, nlohmann::json request,
                                                     Deadline deadline);

  Sandbox& sandbox_;
  const std::uint16_t context_;
  std::uint64_t last_block_ = 0;
  SessionState state_;
};

}  // namespace caisson
