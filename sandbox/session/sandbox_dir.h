// The directory of one sandbox on this host: its channel's socket lies there, and a lock that its
// orchestrator holds as long as it lives, so that the next one can tell what was left behind.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace caisson {

class SandboxDir {
 public:
  SandboxDir() = default;
  // Makes <state_dir>/sandboxes/<id>. Errors: io, with what to do.
  static Result<SandboxDir> make(const std::filesystem::path& state_dir, const std::string& id,
                                 std::string_view backend);

  const std::filesystem::path& path() const { return path_; }
  // What is mounted into the container.
  std::filesystem::path channel() const { return path_ / "channel"; }
  // init listens: from now on nobody makes or removes files in channel(), which is mounted
  // writable and has no limit of its own.
  void seal();
  // Takes it away; the lock goes with it.
  void remove();

 private:
  std::filesystem::path path_;
  OwnedFd lock_;
};

// Takes the directory of any sandbox away.
void remove_sandbox_dir(const std::filesystem::path& path);

struct Orphan {
  std::string id;
  std::string backend;  // that had started it
  std::filesystem::path path;
};

// Sandboxes whose orchestrator is gone. Their containers may still run.
std::vector<Orphan> find_orphans(const std::filesystem::path& state_dir);

}  // namespace caisson
