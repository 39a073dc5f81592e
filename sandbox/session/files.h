// Files of a session, moved over the channel. Guest bytes are data: nothing is unpacked here, and a
// name that the guest chose is never a path of the host.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/wire/files.h"

namespace caisson {

struct FileInfo {
  enum class Type { file, directory, link, other };
  std::string name;  // raw bytes, relative to the directory that was listed
  std::uint64_t size_bytes = 0;
  Type type = Type::file;
  std::int64_t modified_us = 0;  // since 1970
  bool operator==(const FileInfo&) const = default;
};

struct FileList {
  std::vector<FileInfo> files;  // sorted by name
  bool truncated = false;       // there are more
};

struct ListOptions {
  std::uint16_t depth = 0;     // of directories below; at most 32
  std::uint64_t most = 10000;  // entries
};

// The next bytes of an upload, at most so many; empty at the end.
using FileSource = std::function<std::string(std::size_t most)>;
// Takes the bytes of a download as they come; an error ends it.
using FileSink = std::function<Result<void>(std::string_view bytes)>;

// A name for a person or for JSON: what is not printable UTF-8 as \xNN.
std::string shown_name(std::string_view raw);

// "12 KiB"
std::string shown_size(std::uint64_t bytes);

// What the guest answered, for a person. `path` as it was asked for, `most` the caller's limit.
Error file_error(const wire::FileAnswer& answer, std::string_view path, std::uint64_t most);

// Entries of a listing; false when they are not what `count` says.
bool take_entries(std::string_view bytes, std::uint64_t count, std::vector<FileInfo>& files);

}  // namespace caisson
