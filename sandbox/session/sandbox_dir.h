// The directory of one sandbox on this host: its channel's socket lies there, what another process
// needs to go on with it, and a lock that its orchestrator holds as long as it lives, so that the
// next one can tell what was left behind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace caisson {

// What stands in the directory for other processes.
struct SandboxFacts {
  std::string backend;             // that has started it
  std::uint64_t memory_bytes = 0;  // limit of its container
  std::string session;             // the named session that it is kept for, or empty
};

class SandboxDir {
 public:
  SandboxDir() = default;
  // Makes <state_dir>/sandboxes/<id>. Errors: io, with what to do.
  static Result<SandboxDir> make(const std::filesystem::path& state_dir, const std::string& id,
                                 SandboxFacts facts);
  // Takes over what another process has left. Errors: not_found, unavailable (somebody has it: its
  // orchestrator, or for a moment one that looks for orphans).
  static Result<SandboxDir> take_over(const std::filesystem::path& state_dir,
                                      const std::string& id);

  const std::filesystem::path& path() const { return path_; }
  std::string id() const { return path_.filename().string(); }
  const SandboxFacts& facts() const { return facts_; }
  // What is mounted into the container.
  std::filesystem::path channel() const { return path_ / "channel"; }
  // init listens: from now on nobody makes or removes files in channel(), which is mounted
  // writable and has no limit of its own.
  void seal();
  // A number for the next connection, higher than any that was given before by whichever process.
  // Error: io.
  Result<std::uint32_t> next_epoch();
  // It is kept for this session when its owner ends. Error: io.
  Result<void> keep_for(const std::string& session);
  // Takes it away; the lock goes with it.
  void remove();

 private:
  std::filesystem::path path_;
  SandboxFacts facts_;
  OwnedFd lock_;
};

// Of all sandboxes of this host, owned or not.
std::vector<SandboxFacts> all_sandboxes(const std::filesystem::path& state_dir);

// Those whose orchestrator is gone, taken over. Their containers may still run, and some are kept
// for a named session.
std::vector<SandboxDir> find_orphans(const std::filesystem::path& state_dir);

}  // namespace caisson
