#include "sandbox/guest/init/trees.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <vector>

#include "sandbox/guest/init/system.h"

namespace caisson::guest {
namespace {

// A session can nest directories as deep as its inodes last; init's own stack must not.
constexpr int max_depth = 256;

enum Exit { copied = 0, no_space = 1, too_deep = 2, failed = 3 };

bool is_dots(const char* name) {
  return ::strcmp(name, ".") == 0 || ::strcmp(name, "..") == 0;
}

Fd open_dir(int at, const char* name) {
  return Fd(::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Calls `each(name)` for all entries until it returns something else than 0.
template <class Each>
int for_entries(int directory, Each each) {
  const int copy = ::fcntl(directory, F_DUPFD_CLOEXEC, 3);
  DIR* list = copy < 0 ? nullptr : ::fdopendir(copy);
  if (list == nullptr) {
    if (copy >= 0) ::close(copy);
    return failed;
  }
  ::rewinddir(list);
  int status = 0;
  while (const dirent* entry = ::readdir(list)) {
    if (is_dots(entry->d_name)) continue;
    status = each(entry->d_name);
    if (status != 0) break;
  }
  ::closedir(list);
  return status;
}

int because() {
  return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? no_space : failed;
}

int copy_file(int from, int to, const char* name, const struct stat& about) {
  const Fd in(::openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!in) return errno == EACCES || errno == ENOENT ? 0 : failed;  // unreadable for its owner, too
  const Fd out(::openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, about.st_mode & 0777));
  if (!out) return because();
  // Holes stay holes: a sparse file takes no more room than it did.
  off_t at = 0;
  while (at < about.st_size) {
    const off_t data = ::lseek(in.get(), at, SEEK_DATA);
    if (data < 0) break;  // only a hole is left
    off_t end = ::lseek(in.get(), data, SEEK_HOLE);
    if (end < 0) end = about.st_size;
    off_t offset = data;
    if (::lseek(out.get(), data, SEEK_SET) < 0) return failed;
    while (offset < end) {
      const ssize_t sent =
          ::sendfile(out.get(), in.get(), &offset, static_cast<size_t>(end - offset));
      if (sent < 0) return because();
      if (sent == 0) break;
    }
    at = end;
  }
  if (::ftruncate(out.get(), about.st_size) != 0) return because();
  const timespec times[2] = {about.st_atim, about.st_mtim};
  ::futimens(out.get(), times);
  return 0;
}

int copy_link(int from, int to, const char* name) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(from, name, target, sizeof(target) - 1);
  if (size < 0) return failed;
  target[size] = '\0';
  return ::symlinkat(target, to, name) == 0 ? 0 : because();
}

int copy_entries(int from, int to, int depth) {
  if (depth > max_depth) return too_deep;
  return for_entries(from, [from, to, depth](const char* name) {
    if (depth == 0 && ::strcmp(name, branches_dir) == 0) return 0;
    struct stat about{};
    if (::fstatat(from, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? 0 : failed;
    if (S_ISLNK(about.st_mode)) return copy_link(from, to, name);
    if (S_ISREG(about.st_mode)) return copy_file(from, to, name, about);
    if (!S_ISDIR(about.st_mode)) return 0;  // pipes and sockets are not state
    if (::mkdirat(to, name, (about.st_mode & 0777) | 0700) != 0) return because();
    const Fd inner_from = open_dir(from, name);
    const Fd inner_to = open_dir(to, name);
    if (!inner_from) return errno == EACCES ? 0 : failed;
    if (!inner_to) return static_cast<int>(failed);
    return copy_entries(inner_from.get(), inner_to.get(), depth + 1);
  });
}

// Deep trees are cut down by moving what is too deep to the top, for the next round.
bool remove_entries(int top, int directory, int depth, unsigned& moved) {
  bool again = false;
  for_entries(directory, [&](const char* name) {
    if (::unlinkat(directory, name, 0) == 0 || (errno != EISDIR && errno != EPERM)) return 0;
    if (::unlinkat(directory, name, AT_REMOVEDIR) == 0) return 0;
    ::fchmodat(directory, name, 0700, 0);
    if (depth >= max_depth) {
      char there[32];
      ::snprintf(there, sizeof(there), ".deep-%u", moved++);
      if (::renameat(directory, name, top, there) == 0) again = true;
      return 0;
    }
    if (const Fd inner = open_dir(directory, name)) {
      again = remove_entries(top, inner.get(), depth + 1, moved) || again;
    }
    ::unlinkat(directory, name, AT_REMOVEDIR);
    return 0;
  });
  return again;
}

void remove_tree(const std::string& path) {
  ::chmod(path.c_str(), 0700);
  if (const Fd top = open_dir(AT_FDCWD, path.c_str())) {
    unsigned moved = 0;
    for (int round = 0; round < 1000 && remove_entries(top.get(), top.get(), 0, moved); ++round) {
    }
  }
  ::rmdir(path.c_str());
}

// What `top` has of its own.
std::vector<std::string> own_entries(int top) {
  std::vector<std::string> names;
  for_entries(top, [&names](const char* name) {
    if (::strcmp(name, branches_dir) != 0) names.emplace_back(name);
    return 0;
  });
  return names;
}

}  // namespace

pid_t start_copying(const std::string& from, const std::string& to) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::mkdir(to.substr(0, to.rfind('/')).c_str(), 0700);
  if (::mkdir(to.c_str(), 0700) != 0) ::_exit(because());
  const Fd source = open_dir(AT_FDCWD, from.c_str());
  const Fd target = open_dir(AT_FDCWD, to.c_str());
  const int status =
      source && target ? copy_entries(source.get(), target.get(), 0) : static_cast<int>(failed);
  if (status != 0) remove_tree(to);
  ::_exit(status);
}

const char* copying_problem(int status) {
  if (!WIFEXITED(status)) return "the copy of the working directory was killed";
  switch (WEXITSTATUS(status)) {
    case copied:
      return nullptr;
    case no_space:
      return "there is no room for a second copy of the working directory: remove files, or give "
             "its mount more size and inodes in the policy";
    case too_deep:
      return "the working directory is nested too deep to be copied (256 levels)";
    default:
      return "the working directory could not be copied";
  }
}

void replace_tree(const std::string& from, const std::string& to) {
  const Fd source = open_dir(AT_FDCWD, from.c_str());
  const Fd target = open_dir(AT_FDCWD, to.c_str());
  if (!source || !target) return;
  const auto aside = to + "/" + branches_dir + "/replaced-" + from.substr(from.rfind('/') + 1);
  ::mkdir(aside.c_str(), 0700);
  const Fd old = open_dir(AT_FDCWD, aside.c_str());
  if (!old) return;
  for (const auto& name : own_entries(target.get())) {
    ::renameat(target.get(), name.c_str(), old.get(), name.c_str());
  }
  for (const auto& name : own_entries(source.get())) {
    ::renameat(source.get(), name.c_str(), target.get(), name.c_str());
  }
  ::rmdir(from.c_str());
  start_removing(aside);
}

pid_t start_removing(const std::string& path) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  remove_tree(path);
  ::_exit(0);
}

}  // namespace caisson::guest
