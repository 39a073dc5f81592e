// What has run in a named session, so that its state can be made again when its container is lost:
// an append-only file of JSON lines.
//
//   {"begin": 3, "code": "x = 1", "kind": "code", "label": ""}    before the block is sent
//   {"end": 3, "status": "ok", "live": 3}    how it ended, and the block whose state is live then
//   {"live": 2}                              the state went back between blocks
//   {"full": true}                           no more is written: the session cannot be made again
//
// A block is kept while the live state has its effects. A line that was cut short is ignored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/session/outcome.h"
#include "sandbox/session/session.h"

namespace caisson {

// The most that a journal may become; what is beyond it cannot be rebuilt.
inline constexpr std::uint64_t max_journal_bytes = 16 << 20;

struct JournalBlock {
  std::uint64_t number = 0;
  std::string code;
  Block::Kind kind = Block::Kind::code;
  std::string label;
  std::string status;  // empty: nobody saw how it ended
  bool operator==(const JournalBlock&) const = default;
};

struct JournalContent {
  std::vector<JournalBlock> kept;    // whose effects are the state, in order
  std::optional<JournalBlock> open;  // has begun, and nobody saw it end
  bool full = false;
  std::size_t whole_bytes = 0;  // of the text, up to the end of its last whole line
  bool operator==(const JournalContent&) const = default;
};

JournalContent read_journal(std::string_view text);

class BlockJournal {
 public:
  // Opens or makes it. Errors: io, too_large.
  static Result<BlockJournal> open(std::filesystem::path path);

  // What is in it, without opening it for more. Errors: not_found, io, too_large.
  static Result<JournalContent> peek(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const JournalContent& content() const { return content_; }

  // Error: too_large, and from then on nothing is written; io.
  Result<void> begin(std::uint64_t number, const Block& block);
  // On the disk when this returns.
  Result<void> end(const Outcome& outcome);
  // The open block has been found by another process: `live` is the block whose state is live.
  Result<void> settle(std::uint64_t live);
  // The state is that of an earlier block.
  Result<void> went_back(std::uint64_t live);
  // Its file has got another name.
  void renamed(std::filesystem::path path) { path_ = std::move(path); }

 private:
  Result<void> append(const nlohmann::json& line, bool flush);

  std::filesystem::path path_;
  OwnedFd file_;
  std::uint64_t bytes_ = 0;
  JournalContent content_;
};

}  // namespace caisson
