#include "sandbox/guest/init/changes.h"

#include <dirent.h>
#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "sandbox/guest/init/trees.h"

namespace caisson::guest {
namespace {

constexpr std::uint32_t events = IN_CREATE | IN_MODIFY | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                 IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;
constexpr std::size_t most_watches = 1024;
constexpr std::size_t most_found = 1000;
constexpr int most_depth = 32;
constexpr std::size_t piece_bytes = 60 * 1024;

// A file that is being uploaded (files.cpp).
bool is_part(std::string_view name) {
  return name.starts_with('.') && name.ends_with(".part");
}

}  // namespace

void Changes::begin(const std::string& home) {
  if (home != home_ || !inotify_) {
    home_ = home;
    directories_.clear();
    inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    unwatched_ = !inotify_;
    if (inotify_) watch("", 0, false);
  }
  read_events();  // of nobody's
  found_.clear();
  more_ = 0;
  overflowed_ = false;
}

// `tell`: what is in it already is new.
void Changes::watch(const std::string& directory, int depth, bool tell) {
  if (directories_.size() >= most_watches || depth > most_depth) {
    unwatched_ = true;
    return;
  }
  const auto path = home_ + "/" + directory;
  const int number = ::inotify_add_watch(inotify_.get(), path.c_str(), events);
  if (number < 0) {
    unwatched_ = unwatched_ || (errno != ENOENT && errno != ENOTDIR);  // else it is gone again
    return;
  }
  directories_[number] = directory;
  DIR* entries = ::opendir(path.c_str());
  if (entries == nullptr) return;
  while (const dirent* entry = ::readdir(entries)) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || (directory.empty() && name == branches_dir)) continue;
    struct stat about{};
    if (::fstatat(::dirfd(entries), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(about.st_mode)) {
      watch(directory + name + "/", depth + 1, tell);
    } else if (tell) {
      note(directory + name, IN_CREATE);
    }
  }
  ::closedir(entries);
}

void Changes::read_events() {
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const ssize_t got = inotify_ ? ::read(inotify_.get(), buffer, sizeof(buffer)) : 0;
    if (got <= 0) return;
    for (const char* at = buffer; at < buffer + got;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof(event));
      const char* name = at + sizeof(event);
      at += sizeof(event) + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) overflowed_ = true;
      const auto directory = directories_.find(event.wd);
      if (directory == directories_.end()) continue;
      if ((event.mask & IN_IGNORED) != 0) {
        directories_.erase(directory);
        continue;
      }
      if (event.len == 0 || is_part(name)) continue;
      if (directory->second.empty() && std::string_view(name) == branches_dir) continue;
      const auto path = directory->second + name;
      if ((event.mask & IN_ISDIR) == 0) {
        note(path, event.mask);
      } else if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
        const auto depth = std::count(path.begin(), path.end(), '/');
        watch(path + "/", static_cast<int>(depth) + 1, true);
      }
    }
  }
}

void Changes::note(const std::string& path, std::uint32_t mask) {
  const auto known = found_.find(path);
  if (known == found_.end() && found_.size() >= most_found) {
    ++more_;
    return;
  }
  const bool gone = (mask & (IN_DELETE | IN_MOVED_FROM)) != 0;
  const bool made = (mask & (IN_CREATE | IN_MOVED_TO)) != 0;
  if (known == found_.end()) {
    found_[path] = gone ? Change::removed : made ? Change::made : Change::changed;
  } else if (gone) {
    // One that comes and goes within a block is nobody's news.
    if (known->second == Change::made) {
      found_.erase(known);
    } else {
      known->second = Change::removed;
    }
  } else if (known->second == Change::removed) {
    known->second = Change::changed;
  }
}

void Changes::end(Channel& channel, std::uint16_t context, std::uint64_t block) {
  read_events();
  const bool unknown = overflowed_ || unwatched_;
  if (found_.empty() && !unknown) return;
  std::string entries;
  wire::FileChanges head;
  head.block = block;
  head.more = more_;
  head.unknown = unknown ? 1 : 0;
  const auto send = [&] {
    channel.send(wire::Type::changed, context, wire::bytes_of(head), entries);
    entries.clear();
    head.entries = head.more = 0;
  };
  for (const auto& [path, change] : found_) {
    wire::FileEntry entry;
    struct stat about{};
    const bool there = ::lstat((home_ + "/" + path).c_str(), &about) == 0;
    if (!there && change != Change::removed) continue;
    if (there) {
      entry.size = static_cast<std::uint64_t>(about.st_size);
      entry.modified_us = to_micros(about.st_mtim);
      entry.mode = about.st_mode;
    }
    entry.change = static_cast<std::uint8_t>(change);
    entry.name_bytes = static_cast<std::uint16_t>(path.size());
    if (entries.size() + sizeof(entry) + path.size() > piece_bytes) send();
    entries.append(wire::bytes_of(entry)).append(path);
    ++head.entries;
  }
  if (head.entries > 0 || head.more > 0 || head.unknown > 0) send();
}

}  // namespace caisson::guest
