#include "sandbox/guest/init/beneath.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sandbox/guest/init/trees.h"

namespace caisson::guest {
namespace {

// linux/openat2.h, which not every distribution's headers have.
constexpr long sys_openat2 = 437;
struct How {
  std::uint64_t flags;
  std::uint64_t mode;
  std::uint64_t resolve;
};
constexpr std::uint64_t no_magic_links = 0x02;
constexpr std::uint64_t no_symlinks = 0x04;
constexpr std::uint64_t beneath = 0x08;

Opened failed(int error) {
  Opened opened;
  // A symbolic link on the way, or a way out.
  const bool outside = error == ELOOP || error == EXDEV;
  opened.problem = outside ? wire::FileProblem::outside : wire::FileProblem::system;
  opened.error = static_cast<std::uint32_t>(error);
  return opened;
}

}  // namespace

wire::FileProblem check_path(std::string_view path) {
  if (path.empty() || path.size() > wire::max_path || path.find('\0') != path.npos) {
    return wire::FileProblem::bad_path;
  }
  if (path.front() == '/') return wire::FileProblem::outside;
  // What branches work in is nobody's file, however the path is spelled.
  for (std::string_view rest = path; !rest.empty();) {
    const auto end = rest.find('/');
    const auto part = rest.substr(0, end);
    if (part == branches_dir || part == "..") return wire::FileProblem::outside;
    if (!part.empty() && part != ".") break;
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  }
  return wire::FileProblem::none;
}

Opened open_beneath(int directory, const std::string& path, int flags, mode_t mode) {
  // Unlike openat(2) it refuses flags that make no sense together.
  if ((flags & O_PATH) == 0) flags |= O_NOCTTY | O_NONBLOCK;
  const How how{static_cast<std::uint64_t>(flags | O_CLOEXEC), mode,
                beneath | no_symlinks | no_magic_links};
  Opened opened;
  for (int tries = 0; tries < 16; ++tries) {
    const long fd = ::syscall(sys_openat2, directory, path.c_str(), &how, sizeof(how));
    if (fd >= 0) {
      opened.fd.reset(static_cast<int>(fd));
      return opened;
    }
    if (errno != EAGAIN) break;  // somebody renames what lies on the way, at this moment
  }
  return failed(errno);
}

Opened open_regular(int directory, const std::string& path) {
  auto opened = open_beneath(directory, path, O_RDONLY);
  if (!opened.fd) {
    // A symbolic link at the end is what most people would want to know.
    struct stat about{};
    if (opened.problem == wire::FileProblem::outside && path.find('/') == path.npos &&
        ::fstatat(directory, path.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(about.st_mode)) {
      opened.problem = wire::FileProblem::not_regular;
      opened.error = S_IFLNK;
    }
    // Nobody reads or writes a socket by opening it.
    if (opened.error == ENXIO) {
      opened.problem = wire::FileProblem::not_regular;
      opened.error = S_IFSOCK;
    }
    return opened;
  }
  struct stat about{};
  if (::fstat(opened.fd.get(), &about) != 0) return failed(errno);
  if (!S_ISREG(about.st_mode)) {
    opened.fd.reset();
    opened.problem = wire::FileProblem::not_regular;
    opened.error = about.st_mode & S_IFMT;
  }
  return opened;
}

Opened open_parent(int directory, const std::string& path, std::string& name) {
  auto here = open_beneath(directory, ".", O_PATH | O_DIRECTORY);
  std::string_view rest = path;
  for (;;) {
    const auto end = rest.find('/');
    const std::string part(rest.substr(0, end));
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    if (!here.fd) return here;
    if (rest.empty() && end == path.npos) {
      name = part;
      return here;
    }
    if (end == std::string_view::npos) {
      name = part;
      return here;
    }
    if (part.empty() || part == ".") continue;
    if (part == "..") return failed(EXDEV);
    auto next = open_beneath(here.fd.get(), part, O_PATH | O_DIRECTORY);
    if (!next.fd && next.error == ENOENT && ::mkdirat(here.fd.get(), part.c_str(), 0700) == 0) {
      next = open_beneath(here.fd.get(), part, O_PATH | O_DIRECTORY);
    }
    here = std::move(next);
  }
}

}  // namespace caisson::guest
