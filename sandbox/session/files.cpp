#include "sandbox/session/files.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstring>

#include "sandbox/base/utf8.h"
#include "sandbox/wire/frame.h"

namespace caisson {

using wire::FileProblem;

std::string shown_name(std::string_view raw) {
  const bool utf8 = invalid_utf8(std::string(raw)) == raw.size();
  std::string shown;
  for (const char letter : raw) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      shown += fmt::format("\\x{:02x}", byte);
    } else if (letter == '\\') {
      shown += "\\\\";
    } else {
      shown += letter;
    }
  }
  return shown;
}

std::string shown_size(std::uint64_t bytes) {
  constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < std::size(units)) {
    size /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", size, units[unit]);
}

namespace {

const char* kind_of(std::uint32_t type) {
  switch (type) {
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a pipe";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

}  // namespace

Error file_error(const wire::FileAnswer& answer, std::string_view path, std::uint64_t most) {
  const auto name = shown_name(path);
  switch (answer.problem) {
    case FileProblem::not_regular:
      return Error(Errc::bad_input, fmt::format("'{}' is {}: only regular files can be moved", name,
                                                kind_of(answer.error)));
    case FileProblem::outside:
      return Error(Errc::bad_input,
                   fmt::format("'{}' leads out of the session's working directory, or through a "
                               "symbolic link: give a path below it",
                               name));
    case FileProblem::bad_path:
      return Error(Errc::bad_input,
                   fmt::format("'{}' is no path of a file: it is empty, longer than {} bytes, or "
                               "has a NUL",
                               name, wire::max_path));
    case FileProblem::too_large:
      return Error(Errc::too_large, fmt::format("'{}' has {}, more than the {} that are taken",
                                                name, shown_size(answer.size), shown_size(most)));
    case FileProblem::changed:
      return Error(Errc::io, fmt::format("'{}' became shorter while it was read: try again", name));
    case FileProblem::too_many:
      return Error(Errc::unavailable, "16 files are being moved already: wait for one of them");
    case FileProblem::none:
    case FileProblem::system:
      break;
  }
  const auto number = static_cast<int>(answer.error);
  if (number == ENOENT) {
    return Error(Errc::not_found,
                 fmt::format("there is no '{}' in the session's working directory", name));
  }
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) {
    return Error(Errc::too_large,
                 fmt::format("there is no room for '{}' in the sandbox: remove files, or give its "
                             "mount more size in the policy (filesystem.mounts)",
                             name));
  }
  return Error(Errc::io, fmt::format("'{}': {}", name, std::strerror(number)));
}

bool take_entries(std::string_view bytes, std::uint64_t count, std::vector<FileInfo>& files) {
  for (std::uint64_t i = 0; i < count; ++i) {
    wire::FileEntry entry;
    if (!wire::take(bytes, entry) || bytes.size() < entry.name_bytes) return false;
    FileInfo info;
    info.name = bytes.substr(0, entry.name_bytes);
    bytes.remove_prefix(entry.name_bytes);
    info.size_bytes = entry.size;
    info.modified_us = entry.modified_us;
    info.type = S_ISREG(entry.mode)   ? FileInfo::Type::file
                : S_ISDIR(entry.mode) ? FileInfo::Type::directory
                : S_ISLNK(entry.mode) ? FileInfo::Type::link
                                      : FileInfo::Type::other;
    files.push_back(std::move(info));
  }
  return bytes.empty();
}

}  // namespace caisson
