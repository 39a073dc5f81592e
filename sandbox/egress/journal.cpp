#include "sandbox/egress/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

#include "sandbox/base/json.h"

namespace caisson {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::string now_text() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", std::string_view(text, size), now.tv_nsec / 1000000);
}

void remove_old(const fs::path& directory) {
  constexpr auto kept = std::chrono::hours(24 * 30);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    std::error_code ignored;
    const auto written = entry.last_write_time(ignored);
    if (!ignored && fs::file_time_type::clock::now() - written > kept) {
      fs::remove(entry.path(), ignored);
    }
  }
}

std::uint64_t number(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

json to_json(const EgressTotals& totals) {
  return {{"requests", totals.requests},
          {"refused", totals.refused},
          {"failed", totals.failed},
          {"up_bytes", totals.up_bytes},
          {"down_bytes", totals.down_bytes}};
}

void add(EgressTotals& totals, const EgressRecord& record) {
  ++totals.requests;
  if (record.verdict == "failed" || record.verdict == "cut") {
    ++totals.failed;
  } else if (record.verdict != "allowed") {
    ++totals.refused;
  }
  totals.up_bytes += record.up_bytes;
  totals.down_bytes += record.down_bytes;
}

Result<EgressJournal> EgressJournal::open(const fs::path& path) {
  EgressJournal journal;
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  remove_old(path.parent_path());
  journal.totals_ = read_egress_totals(path);
  journal.file_.reset(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!journal.file_) {
    return Error(Errc::io, fmt::format("{}: {}", path.string(), std::strerror(errno)));
  }
  return journal;
}

void EgressJournal::write(const EgressRecord& record) {
  add(totals_, record);
  json line{{"time", now_text()},
            {"session", session_},
            {"method", record.method},
            {"host", record.host},
            {"port", record.port},
            {"address", record.address},
            {"verdict", record.verdict},
            {"rule", record.rule},
            {"status", record.status},
            {"up_bytes", record.up_bytes},
            {"down_bytes", record.down_bytes},
            {"duration_ms", record.duration_ms}};
  const auto text = to_text(line) + "\n";
  static_cast<void>(!::write(file_.get(), text.data(), text.size()));
}

fs::path egress_journal_path(const fs::path& state_dir, const std::string& sandbox) {
  return state_dir / "egress" / (sandbox + ".jsonl");
}

EgressTotals read_egress_totals(const fs::path& path) {
  EgressTotals totals;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    const auto line = parse_json(text);
    if (!line || !line->is_object()) continue;  // the last one, of a process that was killed
    EgressRecord record;
    record.verdict = get_string(*line, "verdict");
    record.up_bytes = number(*line, "up_bytes");
    record.down_bytes = number(*line, "down_bytes");
    add(totals, record);
  }
  return totals;
}

}  // namespace caisson
