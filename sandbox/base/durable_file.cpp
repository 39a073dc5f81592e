#include "sandbox/base/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace caisson {
namespace {

Error failed(const std::filesystem::path& path) {
  return Error(Errc::io, fmt::format("{}: {}", path.string(), std::strerror(errno)));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace

Result<void> replace_file(const std::filesystem::path& path, std::string_view text) {
  const auto next = path.parent_path() / ("." + path.filename().string() + ".next");
  const OwnedFd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file || !write_all(file.get(), text) || ::fsync(file.get()) != 0 ||
      ::rename(next.c_str(), path.c_str()) != 0) {
    const auto error = failed(path);
    ::unlink(next.c_str());
    return error;
  }
  // The new name is on the disk when its directory is.
  const OwnedFd directory(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return failed(path);
  return boost::system::in_place_value;
}

Result<std::string> load_file(const std::filesystem::path& path, std::uint64_t limit_bytes) {
  const OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    auto error = failed(path);
    if (errno == ENOENT) error.code = Errc::not_found;
    return error;
  }
  std::string text;
  std::array<char, 65536> piece;
  for (;;) {
    const auto got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > limit_bytes) {
      return Error(Errc::too_large,
                   fmt::format("{} is longer than {} bytes", path.string(), limit_bytes));
    }
  }
}

OwnedFd lock_file(const std::filesystem::path& path, Locking how) {
  const int flags = O_RDWR | O_CLOEXEC | (how == Locking::try_existing ? 0 : O_CREAT);
  for (;;) {
    OwnedFd fd(::open(path.c_str(), flags, 0600));
    if (!fd) return fd;
    if (::flock(fd.get(), how == Locking::wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      return OwnedFd();
    }
    struct stat ours{};
    struct stat named{};
    if (::fstat(fd.get(), &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
        ours.st_ino == named.st_ino && ours.st_dev == named.st_dev) {
      return fd;
    }
    // Its last holder has removed it: the next turn makes or finds the new one.
  }
}

}  // namespace caisson
