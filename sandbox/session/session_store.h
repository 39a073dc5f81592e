// The named sessions of this host: <state_dir>/sessions/NAME.json says what a session is,
// NAME.blocks is its journal, and NAME.lock is held by the command that uses it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace caisson {

struct SessionRecord {
  std::string name;
  std::string sandbox;        // its id; the container may have ended
  std::uint16_t context = 0;  // of the session in it
  std::string backend;
  std::string image;          // as the user named it
  std::string policy;         // a bundled one's name, or the absolute path of a file
  std::string policy_hash;    // policy_fingerprint()
  std::uint64_t idle_ms = 0;  // without a command for so long, init ends it
  std::uint64_t lifetime_ms = 0;
  std::int64_t created = 0;    // seconds since 1970
  std::int64_t started = 0;    // its present container
  std::int64_t last_used = 0;  // end of the last command, or the beginning of one that was killed
  std::string rebuilt;         // what its user should know of a rebuild; empty: there was none
  bool operator==(const SessionRecord&) const = default;
};

nlohmann::json to_json(const SessionRecord& record);
// Error: protocol (somebody else has written it).
Result<SessionRecord> session_record(const nlohmann::json& text);

// [A-Za-z0-9._-]{1,64}, not beginning with '.' or '-'. Error: bad_input.
Result<void> check_session_name(const std::string& name);

class SessionStore {
 public:
  explicit SessionStore(std::filesystem::path state_dir);

  // Names of all sessions, sorted.
  std::vector<std::string> names() const;
  // Errors: not_found, bad_input (the name), protocol, io.
  Result<SessionRecord> load(const std::string& name) const;
  // Error: io.
  Result<void> save(const SessionRecord& record) const;
  // Other sessions that are in the same sandbox: branches of it, or what it is a branch of.
  std::vector<std::string> siblings(const SessionRecord& record) const;
  // Whether a command uses it now.
  bool in_use(const std::string& name) const;
  // The right to use, make or remove the session, for as long as the descriptor is open. Waits when
  // another command has it. Errors: bad_input (the name), unavailable, io.
  boost::asio::awaitable<Result<OwnedFd>> lock(std::string name, Deadline deadline) const;
  // All files of it. Only with its lock.
  void remove(const std::string& name) const;

  std::filesystem::path journal(const std::string& name) const;
  // What its sessions and sandboxes lie beneath.
  std::filesystem::path state_dir() const { return directory_.parent_path(); }

 private:
  std::filesystem::path file(const std::string& name, const char* end) const;

  std::filesystem::path directory_;
};

// Why a session's container is not there any more, from what is known of it: "idle for 30m",
// "its lifetime of 8h was over", "this machine was started again". `boot`: when that was.
std::string why_ended(const SessionRecord& record, std::int64_t now, std::int64_t boot);

std::int64_t now_seconds();
std::int64_t boot_seconds();

}  // namespace caisson
