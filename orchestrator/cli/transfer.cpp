#include "orchestrator/cli/transfer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "sandbox/base/fd.h"

namespace caisson {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

Error local_error(const std::string& path, int number) {
  return Error(number == ENOENT ? Errc::not_found : Errc::io,
               fmt::format("{}: {}", path, std::strerror(number)));
}

bool is_plain(const std::string& name) {
  return !name.empty() && name[0] != '-' && name[0] != '.' &&
         std::none_of(name.begin(), name.end(), [](char letter) {
           const auto byte = static_cast<unsigned char>(letter);
           return byte < 0x20 || byte == 0x7f || letter == '/';
         });
}

}  // namespace

Result<TransferFile> parse_put(const std::string& word) {
  const auto colon = word.find(':');
  TransferFile file{word.substr(0, colon), colon == word.npos ? "" : word.substr(colon + 1)};
  if (colon == word.npos) file.remote = std::filesystem::path(word).filename().string();
  if (file.local.empty() || file.remote.empty()) {
    return Error(Errc::bad_input,
                 fmt::format("{}: give LOCAL, or LOCAL:NAME with the name that it gets in the "
                             "session",
                             word));
  }
  return file;
}

Result<TransferFile> parse_get(const std::string& word) {
  const auto colon = word.find(':');
  TransferFile file{colon == word.npos ? word : word.substr(colon + 1), word.substr(0, colon)};
  if (file.local.empty() || file.remote.empty()) {
    return Error(Errc::bad_input, fmt::format("{}: give NAME, or NAME:LOCAL", word));
  }
  if (colon == word.npos && !is_plain(file.local)) {
    return Error(Errc::bad_input,
                 fmt::format("{}: say where it goes: NAME:LOCAL (a name with '/', or with '.' "
                             "or '-' in front, is not taken for a path here)",
                             shown_name(word)));
  }
  return file;
}

boost::asio::awaitable<Result<void>> upload(Session& session, TransferFile file) {
  const OwnedFd local(::open(file.local.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about{};
  if (!local || ::fstat(local.get(), &about) != 0) co_return local_error(file.local, errno);
  if (!S_ISREG(about.st_mode)) {
    co_return Error(Errc::bad_input, fmt::format("{} is not a regular file", file.local));
  }
  int problem = 0;
  const auto source = [&](std::size_t most) {
    std::string bytes(most, '\0');
    const ssize_t got = ::read(local.get(), bytes.data(), most);
    if (got < 0) problem = errno;
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  };
  auto done = co_await session.put(file.remote, source, Deadline::never());
  if (problem != 0) co_return local_error(file.local, problem);
  co_return done;
}

boost::asio::awaitable<Result<void>> download(Session& session, TransferFile file) {
  struct stat about{};
  if (::lstat(file.local.c_str(), &about) == 0 && !S_ISREG(about.st_mode)) {
    co_return Error(
        Errc::bad_input,
        fmt::format("{} is there already and not a regular file: it is left alone", file.local));
  }
  auto part = file.local + ".part-XXXXXX";
  OwnedFd local(::mkostemp(part.data(), O_CLOEXEC));
  if (!local) co_return local_error(file.local, errno);
  const auto sink = [&](std::string_view bytes) -> Result<void> {
    while (!bytes.empty()) {
      const ssize_t wrote = ::write(local.get(), bytes.data(), bytes.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) return local_error(file.local, errno);
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return boost::system::in_place_value;
  };
  auto done = co_await session.get(file.remote, most_bytes, sink, Deadline::never());
  // As any file that a program of this user makes.
  const auto mask = ::umask(0);
  ::umask(mask);
  ::fchmod(local.get(), 0666 & ~mask);
  if (done && ::rename(part.c_str(), file.local.c_str()) != 0) {
    done = local_error(file.local, errno);
  }
  if (!done) {
    ::unlink(part.c_str());
    co_return done.error();
  }
  co_return boost::system::in_place_value;
}

}  // namespace caisson
