// Files of a session over the channel (PROTOCOL.md, "Files"): packed structs at the front of
// bodies. Paths are raw bytes, relative to the session's working directory, at most 4,096 of them.
#pragma once

#include <cstdint>

namespace caisson::wire {

inline constexpr std::uint32_t max_path = 4096;

// FilePut::flags, FileGet::flags (abandon) and FileAnswer::flags
inline constexpr std::uint16_t first_piece =
    1;  // of an upload: the path stands in front of the bytes
inline constexpr std::uint16_t last_piece = 2;  // nothing comes after it
inline constexpr std::uint16_t abandon = 4;     // of any transfer: it is not wanted any more
inline constexpr std::uint16_t truncated = 8;   // of a listing: there is more than was asked for

// put: a piece of an upload. Pieces of one upload have the same `request` and come in order. What
// was there keeps its place until the last piece has been written.
struct FilePut {
  std::uint64_t request = 0;  // chosen by the host, never used twice
  std::uint16_t flags = 0;
  std::uint16_t path_bytes = 0;  // of the path behind this struct; 0 unless first_piece
  std::uint32_t mode = 0;        // permission bits of the file; 0: 0644
};

// get: one whole file. list: what is in a directory.
struct FileGet {
  std::uint64_t request = 0;
  std::uint64_t most = 0;  // get: bytes that the host takes; list: entries
  std::uint16_t path_bytes = 0;
  std::uint16_t depth = 0;  // list: of directories below; 0: only this one
  std::uint16_t flags = 0;  // abandon: no more of the `get` with this number; there is no answer
  std::uint16_t reserved = 0;
};

enum class FileProblem : std::uint32_t {
  none = 0,
  system = 1,       // `error` is the errno
  not_regular = 2,  // a directory, symbolic link, pipe, socket or device; `error` has its S_IFMT
  outside = 3,      // the path leaves the working directory, or passes through a symbolic link
  bad_path = 4,     // empty, too long, or with a NUL
  too_large = 5,    // larger than `most`; `size` says how large
  changed = 6,      // it became shorter while it was read
  too_many = 7,     // transfers at once
};

// file (79): an answer. To put: one, when all has been written or something went wrong. To get: one
// with `size` before the first bytes, then pieces. To list: entries, in as many as it takes.
struct FileAnswer {
  std::uint64_t request = 0;
  std::uint64_t size = 0;  // get: of the file as it was opened; list: entries in this answer
  FileProblem problem = FileProblem::none;
  std::uint32_t error = 0;
  std::uint16_t flags = 0;
  std::uint16_t reserved = 0;
  std::uint32_t mode = 0;
};

// In an answer to `list`, and in `changed`: followed by the name, for `list` relative to the
// directory that was listed, for `changed` to the working directory.
struct FileEntry {
  std::uint64_t size = 0;
  std::int64_t modified_us = 0;  // since 1970
  std::uint32_t mode = 0;        // st_mode, its type too
  std::uint16_t name_bytes = 0;
  std::uint8_t change = 0;  // changed: 1 new, 2 changed, 3 removed; list: 0
  std::uint8_t reserved = 0;
};

// changed (80): before the `finished` of a block that has changed files; followed by entries.
struct FileChanges {
  std::uint64_t block = 0;
  std::uint32_t entries = 0;  // in this message
  std::uint32_t more = 0;     // that are not listed
  std::uint32_t unknown = 0;  // 1: some of it was missed: too much, or it can't be watched here
  std::uint32_t reserved = 0;
};

static_assert(sizeof(FilePut) == 16 && sizeof(FileGet) == 24 && sizeof(FileAnswer) == 32);
static_assert(sizeof(FileEntry) == 24 && sizeof(FileChanges) == 24);

}  // namespace caisson::wire
