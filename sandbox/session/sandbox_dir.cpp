#include "sandbox/session/sandbox_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <iterator>

namespace caisson {
namespace {

OwnedFd open_locked(const std::filesystem::path& file, int how, int flags = O_CREAT) {
  OwnedFd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC | flags, 0600));
  if (fd && ::flock(fd.get(), how) != 0) fd.reset();
  return fd;
}

}  // namespace

Result<SandboxDir> SandboxDir::make(const std::filesystem::path& state_dir, const std::string& id,
                                    std::string_view backend) {
  const auto all = state_dir / "sandboxes";
  SandboxDir made;
  made.path_ = all / id;
  const auto failed = [&](const std::string& why) {
    return Error(Errc::io, fmt::format("cannot make {}: {} (choose another place with --state-dir)",
                                       made.path_.string(), why));
  };
  std::error_code error;
  std::filesystem::create_directories(all, error);
  if (error) return failed(error.message());
  // Held while a directory has no lock of its own yet: nobody may take it for an orphan.
  const auto making = open_locked(all / ".lock", LOCK_EX);
  if (!making) return failed(std::strerror(errno));
  std::filesystem::create_directories(made.channel(), error);
  if (error) return failed(error.message());
  ::chmod(made.path_.c_str(), 0700);
  // init makes its socket there with the user id of the container, which this host may not even
  // have. Everybody may write to it, and nobody else gets to it: the directory above is ours.
  ::chmod(made.channel().c_str(), 0777);
  made.lock_ = open_locked(made.path_ / "backend", LOCK_EX | LOCK_NB);
  if (!made.lock_ || ::write(made.lock_.get(), backend.data(), backend.size()) < 0) {
    return failed(std::strerror(errno));
  }
  return made;
}

void SandboxDir::seal() {
  ::chmod(channel().c_str(), 0555);
}

void remove_sandbox_dir(const std::filesystem::path& path) {
  ::chmod((path / "channel").c_str(),
          0700);  // back from seal(): without root we could not empty it
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

void SandboxDir::remove() {
  if (path_.empty()) return;
  remove_sandbox_dir(path_);
  path_.clear();
  lock_.reset();
}

std::vector<Orphan> find_orphans(const std::filesystem::path& state_dir) {
  const auto all = state_dir / "sandboxes";
  std::vector<Orphan> orphans;
  std::error_code error;
  if (!std::filesystem::exists(all / ".lock", error)) return orphans;
  const auto looking = open_locked(all / ".lock", LOCK_EX);
  if (!looking) return orphans;
  for (const auto& entry : std::filesystem::directory_iterator(all, error)) {
    if (!entry.is_directory(error)) continue;
    // Its owner lives, or is taking the directory away right now.
    const auto lock = open_locked(entry.path() / "backend", LOCK_EX | LOCK_NB, 0);
    if (!lock) continue;
    std::ifstream file(entry.path() / "backend");
    const std::string backend(std::istreambuf_iterator<char>(file), {});
    orphans.push_back({entry.path().filename().string(), backend, entry.path()});
  }
  return orphans;
}

}  // namespace caisson
