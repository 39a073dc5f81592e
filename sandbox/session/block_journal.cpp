#include "sandbox/session/block_journal.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sandbox/base/durable_file.h"
#include "sandbox/base/json.h"

namespace caisson {

using nlohmann::json;

namespace {

std::optional<std::uint64_t> number_in(const json& line, const char* key) {
  const auto found = line.find(key);
  if (found == line.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

void go_back(JournalContent& content, std::uint64_t live) {
  while (!content.kept.empty() && content.kept.back().number > live) content.kept.pop_back();
}

void take_end(JournalContent& content, std::uint64_t number, std::string status,
              std::uint64_t live) {
  if (content.open && content.open->number == number) {
    content.open->status = std::move(status);
    content.kept.push_back(std::move(*content.open));
    content.open.reset();
  }
  go_back(content, live);
}

void take_line(JournalContent& content, const json& line) {
  const auto begin = number_in(line, "begin");
  const auto end = number_in(line, "end");
  const auto live = number_in(line, "live");
  if (begin) {
    JournalBlock block;
    block.number = *begin;
    block.code = get_string(line, "code");
    block.label = get_string(line, "label");
    if (get_string(line, "kind") == "tools") block.kind = Block::Kind::tools;
    content.open = std::move(block);
  } else if (end && live) {
    take_end(content, *end, get_string(line, "status"), *live);
  } else if (live) {
    go_back(content, *live);
  } else if (line.contains("full")) {
    content.full = true;
  }
}

}  // namespace

JournalContent read_journal(std::string_view text) {
  JournalContent content;
  for (std::size_t end = 0; (end = text.find('\n', content.whole_bytes)) != text.npos;) {
    const auto line = parse_json(text.substr(content.whole_bytes, end - content.whole_bytes));
    content.whole_bytes = end + 1;
    if (line && line->is_object()) take_line(content, *line);
  }
  return content;
}

Result<JournalContent> BlockJournal::peek(const std::filesystem::path& path) {
  // The last line that says `full` may stand a little beyond the limit.
  auto text = load_file(path, max_journal_bytes + 4096);
  if (!text) return text.error();
  return read_journal(*text);
}

Result<BlockJournal> BlockJournal::open(std::filesystem::path path) {
  BlockJournal journal;
  auto content = peek(path);
  if (!content && content.error().code != Errc::not_found) return content.error();
  if (content) journal.content_ = std::move(*content);
  journal.bytes_ = journal.content_.whole_bytes;
  journal.path_ = std::move(path);
  journal.file_.reset(
      ::open(journal.path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  // A line that was cut short must not become the beginning of the next one.
  if (!journal.file_ || ::ftruncate(journal.file_.get(), static_cast<off_t>(journal.bytes_)) != 0) {
    return Error(Errc::io, fmt::format("{}: {}", journal.path_.string(), std::strerror(errno)));
  }
  return journal;
}

Result<void> BlockJournal::append(const json& line, bool flush) {
  const Error full(Errc::too_large,
                   fmt::format("the session's journal is at its limit of {} MiB: it cannot be made "
                               "again when its container is lost",
                               max_journal_bytes >> 20));
  if (content_.full) return full;
  auto text = to_text(line) + "\n";
  const bool fits = bytes_ + text.size() <= max_journal_bytes;
  if (!fits) text = "{\"full\":true}\n";
  const auto wrote = ::write(file_.get(), text.data(), text.size());
  if (wrote != static_cast<ssize_t>(text.size()) || (flush && ::fdatasync(file_.get()) != 0)) {
    const Error error(Errc::io, fmt::format("{}: {}", path_.string(), std::strerror(errno)));
    // Half a line is none; and with a line missing, the rest would tell another story.
    static_cast<void>(!::ftruncate(file_.get(), static_cast<off_t>(bytes_)));
    content_.full = true;
    return error;
  }
  bytes_ += text.size();
  take_line(content_, fits ? line : json{{"full", true}});
  if (!fits) return full;
  return boost::system::in_place_value;
}

// Not flushed: what has begun when the machine goes down is lost with it.
Result<void> BlockJournal::begin(std::uint64_t number, const Block& block) {
  return append({{"begin", number},
                 {"code", block.code},
                 {"kind", block.kind == Block::Kind::tools ? "tools" : "code"},
                 {"label", block.label}},
                false);
}

Result<void> BlockJournal::end(const Outcome& outcome) {
  // With the container, the state is gone and must be made again from what there was before it.
  if (outcome.state.change == StateChange::lost) return boost::system::in_place_value;
  return append({{"end", outcome.block},
                 {"status", name(outcome.status)},
                 {"live", outcome.state.checkpoint}},
                true);
}

Result<void> BlockJournal::settle(std::uint64_t live) {
  if (!content_.open) return boost::system::in_place_value;
  return append({{"end", content_.open->number}, {"status", ""}, {"live", live}}, true);
}

Result<void> BlockJournal::went_back(std::uint64_t live) {
  return append({{"live", live}}, true);
}

}  // namespace caisson
