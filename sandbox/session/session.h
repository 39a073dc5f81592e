// A live Python state: blocks run in it one after another, and its names outlive each of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"
#include "sandbox/session/files.h"
#include "sandbox/session/outcome.h"
#include "sandbox/session/state_report.h"
#include "sandbox/session/tool_host.h"
#include "sandbox/wire/frame.h"

namespace caisson {

class BlockJournal;
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
  // What an exception that reaches the top does to the state. With `rollback` the block leaves
  // nothing behind when it raises; the policy must keep a checkpoint (session.checkpoints).
  enum class OnError { commit, rollback };
  OnError on_error = OnError::commit;
};

// What came of several candidates for one block.
struct Choice {
  struct Candidate {
    Outcome outcome;               // of the block itself
    std::optional<Outcome> check;  // of the check, when the block ended ok
    std::optional<double> score;   // what the check gave; none: not eligible
  };
  std::vector<Candidate> candidates;  // in the order in which they were given
  std::optional<std::size_t> chosen;  // whose state is the session's now; none: nothing changed
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

  // Goes back to the state that block `checkpoint` left, or with 0 to a fresh session. Names, their
  // values, and the state of `random` go back; files, sockets, threads, child processes and tool
  // calls do not. Errors: not_found (no checkpoint of it is kept; the message says which are
  // likely), closed, timed_out.
  boost::asio::awaitable<Result<SessionState>> rollback(std::uint64_t checkpoint,
                                                        Deadline deadline);

  // A session of its own, in the same sandbox, with the state that this one has now, or that it had
  // after block `checkpoint`, and with a copy of the working directory as it is now. Absolute paths
  // still name the original's files; what is in /tmp is shared. Threads, sockets and pipes stay
  // with the original. Errors: not_found, unsupported (no room for the copy …), closed, timed_out.
  boost::asio::awaitable<Result<std::unique_ptr<Session>>> branch(
      Deadline deadline, std::optional<std::uint64_t> checkpoint = std::nullopt);

  // What execute() would give; the state and the working directory are left as they are. Tools are
  // really called. Errors: those of branch() and execute().
  boost::asio::awaitable<Result<Outcome>> dry_run(Block block, Deadline deadline, OutputSink& sink,
                                                  ToolHost& tools);

  // Runs each candidate in a branch of its own, then `check` in each that ended ok: an expression
  // that gives True, False, None or a number. The highest wins, the first of equals; its state and
  // its working directory become the session's, the others vanish. When none is eligible nothing
  // changes. As many run at a time as the policy grants CPUs. At most 64 candidates.
  // Errors: bad_input, those of branch() and execute(). Cancellation: nothing changes.
  boost::asio::awaitable<Result<Choice>> best_of(std::vector<Block> candidates, std::string check,
                                                 Deadline deadline, ToolHost& tools);

  // Moves files between the caller and the session's working directory; paths are relative to it,
  // and lead nowhere else. All three work at any time, also while a block runs.
  //
  // An upload takes the place of an older file when it is whole; directories that are missing are
  // made. Errors: bad_input (the path, or what is there), too_large (no room), closed, timed_out,
  // io. Cancellation: the older file stays.
  boost::asio::awaitable<Result<void>> put(std::string path, FileSource source, Deadline deadline);
  // A regular file of at most so many bytes, as it is when it is opened; returns its size. Errors:
  // also not_found, and what `sink` returns.
  boost::asio::awaitable<Result<std::uint64_t>> get(std::string path, std::uint64_t most_bytes,
                                                    FileSink sink, Deadline deadline);
  // What is in a directory ("." is the working directory). Symbolic links are not followed.
  boost::asio::awaitable<Result<FileList>> list(std::string path, ListOptions options,
                                                Deadline deadline);

  // Ends this session and all its processes, and removes a branch's directory. The sandbox lives
  // on. Sessions that are not closed end with their sandbox.
  void close();
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
  boost::asio::awaitable<Result<SessionState>> go_back(std::uint64_t checkpoint, Deadline deadline);
  boost::asio::awaitable<void> settle_error(const Block& block, Outcome& outcome,
                                            SessionState before);
  void log_denials(Outcome& outcome);
  class Transfer;
  Error no_answer(std::string_view path) const;
  void abandon_get(std::uint64_t request);
  void ask_for_file(wire::Type type, std::uint64_t request, const std::string& path,
                    std::uint64_t most, std::uint16_t depth);
  void become(Session& winner, const Block& block, const Outcome& outcome);
  // Runs a block without code; its report.
  boost::asio::awaitable<Result<nlohmann::json>> ask(Block::Kind kind, nlohmann::json request,
                                                     Deadline deadline);

  Sandbox& sandbox_;
  std::uint16_t context_;
  bool ended_ = false;  // close() was called, or another session has taken it over
  std::uint64_t last_block_;
  SessionState state_;
  BlockJournal* journal_ = nullptr;
  std::map<std::string, std::string> notes_;
};

}  // namespace caisson
