#include "sandbox/guest/init/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "sandbox/guest/init/beneath.h"
#include "sandbox/guest/init/trees.h"

namespace caisson::guest {
namespace {

using wire::FileProblem;

constexpr std::size_t most_transfers = 16;
constexpr std::size_t piece_bytes = 60 * 1024;
// A directory can have a hundred thousand entries; a listing stops and says so.
constexpr Micros listing_time = ms(100);
constexpr int most_depth = 32;

Fd open_home(const std::string& home) {
  return Fd(::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

FileProblem split(std::string_view& rest, std::uint16_t path_bytes, std::string& path) {
  if (rest.size() < path_bytes) return FileProblem::bad_path;
  path = rest.substr(0, path_bytes);
  rest.remove_prefix(path_bytes);
  return check_path(path);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

// Collects entries and sends them in as many answers as it takes.
class Listing {
 public:
  Listing(Channel& channel, std::uint16_t context, std::uint64_t request, std::uint64_t most)
      : channel_(channel), context_(context), request_(request), most_(most) {}

  // False: no more.
  bool add(const std::string& name, const struct stat& about) {
    if (count_ == most_ || now_us() > give_up_) {
      truncated_ = true;
      return false;
    }
    wire::FileEntry entry;
    entry.size = static_cast<std::uint64_t>(about.st_size);
    entry.modified_us = to_micros(about.st_mtim);
    entry.mode = about.st_mode;
    entry.name_bytes = static_cast<std::uint16_t>(name.size());
    if (bytes_.size() + sizeof(entry) + name.size() > piece_bytes) send(0);
    bytes_.append(wire::bytes_of(entry)).append(name);
    ++here_;
    ++count_;
    return true;
  }
  void send(std::uint16_t flags) {
    wire::FileAnswer answer;
    answer.request = request_;
    answer.size = here_;
    answer.flags = flags;
    if (truncated_) answer.flags |= wire::truncated;
    channel_.send(wire::Type::file, context_, wire::bytes_of(answer), bytes_);
    bytes_.clear();
    here_ = 0;
  }

 private:
  Channel& channel_;
  std::uint16_t context_;
  std::uint64_t request_;
  std::uint64_t most_;
  std::uint64_t count_ = 0;
  std::uint64_t here_ = 0;
  bool truncated_ = false;
  std::string bytes_;
  const Micros give_up_ = now_us() + listing_time;
};

bool list_entries(int directory, const std::string& prefix, int depth, bool is_home,
                  Listing& listing) {
  const int copy = ::fcntl(directory, F_DUPFD_CLOEXEC, 3);
  DIR* entries = copy < 0 ? nullptr : ::fdopendir(copy);
  if (entries == nullptr) {
    if (copy >= 0) ::close(copy);
    return true;
  }
  bool more = true;
  while (const dirent* entry = more ? ::readdir(entries) : nullptr) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || (is_home && name == branches_dir)) continue;
    struct stat about{};
    if (::fstatat(directory, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const auto path = prefix + name;
    if (path.size() > wire::max_path) continue;
    more = listing.add(path, about);
    if (!more || depth == 0 || !S_ISDIR(about.st_mode)) continue;
    const Fd inner(
        ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (inner) more = list_entries(inner.get(), path + "/", depth - 1, false, listing);
  }
  ::closedir(entries);
  return more;
}

}  // namespace

void Files::answer(std::uint16_t context, std::uint64_t request, FileProblem problem,
                   std::uint32_t error, std::uint64_t size) {
  wire::FileAnswer said;
  said.request = request;
  said.problem = problem;
  said.error = error;
  said.size = size;
  said.flags = wire::last_piece;
  channel_.send(wire::Type::file, context, wire::bytes_of(said));
}

void Files::put(std::uint16_t context, const std::string& home, std::string_view body) {
  wire::FilePut request;
  if (!wire::take(body, request)) return channel_.log("a `put` of the host is too short");
  if ((request.flags & wire::first_piece) != 0) {
    std::string path;
    if (const auto problem = split(body, request.path_bytes, path); problem != FileProblem::none) {
      return answer(context, request.request, problem);
    }
    begin(context, home, request, path);
  }
  const auto at = uploads_.find(request.request);
  if (at == uploads_.end()) return;  // it has failed, and the host knows
  auto& upload = at->second;
  auto problem = FileProblem::none;
  std::uint32_t error = 0;
  const bool last = (request.flags & wire::last_piece) != 0;
  if ((request.flags & wire::abandon) != 0) {
    drop(upload);
    uploads_.erase(at);
    return;
  }
  if (!write_all(upload.file.get(), body)) {
    problem = FileProblem::system;
    error = static_cast<std::uint32_t>(errno);
  } else if (!last) {
    return;
  } else if (::fchmod(upload.file.get(), upload.mode) != 0 ||
             ::renameat(upload.directory.get(), upload.part.c_str(), upload.directory.get(),
                        upload.name.c_str()) != 0) {
    problem = FileProblem::system;
    error = static_cast<std::uint32_t>(errno);
  } else {
    upload.part.clear();
  }
  drop(upload);
  uploads_.erase(at);
  answer(context, request.request, problem, error);
}

void Files::begin(std::uint16_t context, const std::string& home, const wire::FilePut& request,
                  std::string_view path) {
  if (uploads_.size() >= most_transfers) {
    return answer(context, request.request, FileProblem::too_many);
  }
  const Fd top = open_home(home);
  Upload upload;
  auto parent = open_parent(top.get(), std::string(path), upload.name);
  if (!parent.fd) return answer(context, request.request, parent.problem, parent.error);
  if (upload.name.empty() || upload.name == "." || upload.name == "..") {
    return answer(context, request.request, FileProblem::bad_path);
  }
  // Renaming onto it would replace a symbolic link; but what is there is no file that one could
  // get.
  struct stat about{};
  if (::fstatat(parent.fd.get(), upload.name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISREG(about.st_mode)) {
    return answer(context, request.request, FileProblem::not_regular, about.st_mode & S_IFMT);
  }
  char part[64];
  ::snprintf(part, sizeof(part), ".%08llx-%llu.part",
             static_cast<unsigned long long>(now_us() & 0xffffffff),
             static_cast<unsigned long long>(++parts_));
  upload.part = part;
  auto file = open_beneath(parent.fd.get(), upload.part, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file.fd) return answer(context, request.request, file.problem, file.error);
  upload.context = context;
  upload.directory = std::move(parent.fd);
  upload.file = std::move(file.fd);
  upload.mode = request.mode == 0 ? 0644 : request.mode & 0777;
  uploads_[request.request] = std::move(upload);
}

void Files::drop(Upload& upload) {
  if (!upload.part.empty()) ::unlinkat(upload.directory.get(), upload.part.c_str(), 0);
  upload.part.clear();
}

void Files::get(std::uint16_t context, const std::string& home, std::string_view body) {
  wire::FileGet request;
  std::string path;
  if (!wire::take(body, request)) return channel_.log("a `get` of the host is too short");
  if ((request.flags & wire::abandon) != 0) {
    downloads_.erase(request.request);
    return;
  }
  if (const auto problem = split(body, request.path_bytes, path); problem != FileProblem::none) {
    return answer(context, request.request, problem);
  }
  if (downloads_.size() >= most_transfers) {
    return answer(context, request.request, FileProblem::too_many);
  }
  const Fd top = open_home(home);
  auto opened = open_regular(top.get(), path);
  if (!opened.fd) return answer(context, request.request, opened.problem, opened.error);
  struct stat about{};
  if (::fstat(opened.fd.get(), &about) != 0) {
    return answer(context, request.request, FileProblem::system, static_cast<std::uint32_t>(errno));
  }
  const auto size = static_cast<std::uint64_t>(about.st_size);
  if (size > request.most) {
    return answer(context, request.request, FileProblem::too_large, 0, size);
  }
  wire::FileAnswer first;
  first.request = request.request;
  first.size = size;
  first.mode = about.st_mode & 0777;
  first.flags = static_cast<std::uint16_t>(wire::first_piece | (size == 0 ? wire::last_piece : 0));
  channel_.send(wire::Type::file, context, wire::bytes_of(first));
  if (size > 0) downloads_[request.request] = {context, std::move(opened.fd), size};
}

void Files::turn() {
  if (downloads_.empty()) return;
  const auto buffer = std::make_unique_for_overwrite<char[]>(piece_bytes);
  for (auto at = downloads_.begin(); at != downloads_.end() && !channel_.is_busy();) {
    auto& [request, download] = *at;
    const auto wanted = std::min<std::uint64_t>(download.left, piece_bytes);
    const ssize_t got = ::read(download.file.get(), buffer.get(), wanted);
    if (got <= 0) {
      answer(download.context, request, got < 0 ? FileProblem::system : FileProblem::changed,
             got < 0 ? static_cast<std::uint32_t>(errno) : 0);
      at = downloads_.erase(at);
      continue;
    }
    download.left -= static_cast<std::uint64_t>(got);
    wire::FileAnswer piece;
    piece.request = request;
    piece.flags = download.left == 0 ? wire::last_piece : 0;
    channel_.send(wire::Type::file, download.context, wire::bytes_of(piece),
                  {buffer.get(), static_cast<std::size_t>(got)});
    at = download.left == 0 ? downloads_.erase(at) : std::next(at);
  }
}

void Files::list(std::uint16_t context, const std::string& home, std::string_view body) {
  wire::FileGet request;
  std::string path;
  if (!wire::take(body, request)) return channel_.log("a `list` of the host is too short");
  if (const auto problem = split(body, request.path_bytes, path); problem != FileProblem::none) {
    return answer(context, request.request, problem);
  }
  const Fd top = open_home(home);
  const auto opened = open_beneath(top.get(), path, O_RDONLY | O_DIRECTORY);
  if (!opened.fd) return answer(context, request.request, opened.problem, opened.error);
  struct stat here{};
  struct stat home_is{};
  const bool is_home = ::fstat(opened.fd.get(), &here) == 0 && ::fstat(top.get(), &home_is) == 0 &&
                       here.st_ino == home_is.st_ino;
  Listing listing(channel_, context, request.request, request.most);
  list_entries(opened.fd.get(), "", std::min<int>(request.depth, most_depth), is_home, listing);
  listing.send(wire::last_piece);
}

void Files::forget(std::uint16_t context) {
  for (auto& [request, upload] : uploads_) {
    if (context == 0 || upload.context == context) drop(upload);
  }
  std::erase_if(uploads_, [context](const auto& each) {
    return context == 0 || each.second.context == context;
  });
  std::erase_if(downloads_, [context](const auto& each) {
    return context == 0 || each.second.context == context;
  });
}

}  // namespace caisson::guest
