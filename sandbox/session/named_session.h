// A session that outlives the command that made it: found again by its name, and made again from
// its journal when its container is lost.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/session/block_journal.h"
#include "sandbox/session/manager.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/session.h"
#include "sandbox/session/session_store.h"

namespace caisson {

struct NamedRequest {
  std::string name;
  SandboxOptions options;
  std::string image;        // as the user named it
  std::string policy;       // as SessionRecord has it
  std::string policy_hash;  // of options.policy
  enum class Want { resume, fresh, existing };
  Want want = Want::resume;  // fresh: empty, whatever there was; existing: not_found when it is not
  Millis rebuild_time{300000};  // for running its blocks again
};

// Tells two policies apart by what they say, not by where it stands. A hexadecimal SHA-256.
std::string policy_fingerprint(const Policy& policy, const CompiledPolicy& compiled);

// A session keeps its policy, image and backend: what to say to a command that wants another
// `what`.
Error another_setting(const SessionRecord& record, std::string_view what, const std::string& has,
                      const std::string& wants);

class NamedSession {
 public:
  // Finds, makes again or makes the session. `lock`: SessionStore::lock() of its name.
  //
  // Errors: bad_input (it has another policy, image or backend: what to do), unsupported (nothing
  // can be kept here), timed_out (it cannot be rebuilt in time), not_found, those of
  // Sandbox::start.
  static boost::asio::awaitable<Result<std::unique_ptr<NamedSession>>> open(
      SandboxManager& manager, const SessionStore& store, OwnedFd lock, NamedRequest request,
      Deadline deadline);
  // Owners call keep() first.
  ~NamedSession() = default;
  NamedSession(const NamedSession&) = delete;
  NamedSession& operator=(const NamedSession&) = delete;

  Session& session() { return *session_; }
  const SessionRecord& record() const { return record_; }
  // What its user should be told before the first block, a line each.
  const std::vector<std::string>& news() const { return news_; }

  // A second session with the state that this one has, or had after block `checkpoint`, in the same
  // sandbox, kept under a name of its own. `lock`: SessionStore::lock() of that name. Errors:
  // bad_input (there is one of that name), those of Session::branch(), io.
  boost::asio::awaitable<Result<void>> branch(std::string name, OwnedFd lock,
                                              std::optional<std::uint64_t> checkpoint,
                                              Deadline deadline);
  // Ends it, and leaves its sandbox to the other sessions that are in it. Call it in place of
  // keep().
  boost::asio::awaitable<void> give_up();
  bool given_up() const { return session_ == nullptr; }

  // Leaves it running. When its sandbox was lost, what is left of that is removed; the journal
  // stays.
  boost::asio::awaitable<void> keep();

 private:
  NamedSession(SandboxManager& manager, const SessionStore& store, OwnedFd lock,
               NamedRequest request);

  boost::asio::awaitable<Result<void>> find(Deadline deadline);
  boost::asio::awaitable<Result<void>> adopt(Deadline deadline);
  boost::asio::awaitable<Result<void>> make(Deadline deadline);
  boost::asio::awaitable<Result<void>> make_again(std::string why, Deadline deadline);
  boost::asio::awaitable<Result<void>> start(Deadline deadline);
  boost::asio::awaitable<Result<void>> run_again(std::vector<JournalBlock> blocks,
                                                 Deadline deadline);
  boost::asio::awaitable<void> drop_sandbox();
  boost::asio::awaitable<void> leave_sandbox();
  Result<void> check_fits() const;
  Result<void> agree_with_journal();
  Result<void> save();

  SandboxManager& manager_;
  const SessionStore& store_;
  OwnedFd lock_;
  NamedRequest request_;
  SessionRecord record_;
  std::vector<std::string> news_;
  std::unique_ptr<Sandbox> sandbox_;
  std::optional<BlockJournal> journal_;
  std::unique_ptr<Session> session_;
  bool found_ = false;  // sandbox_ was there before us
};

// Ends a named session that no command uses, whatever state it is in, and removes all of it. `lock`
// as above. Error: io, unavailable (what could not be removed; the session is still listed).
boost::asio::awaitable<Result<void>> end_named_session(Backend& backend, const SessionStore& store,
                                                       std::filesystem::path state_dir,
                                                       OwnedFd lock, std::string name,
                                                       Deadline deadline);

}  // namespace caisson
