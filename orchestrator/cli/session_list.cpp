#include "orchestrator/cli/session_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "sandbox/base/json.h"
#include "sandbox/egress/journal.h"
#include "sandbox/policy/units.h"
#include "sandbox/session/block_journal.h"

namespace caisson {

namespace asio = boost::asio;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

std::string ago(std::int64_t then) {
  const auto seconds = std::max<std::int64_t>(0, now_seconds() - then);
  if (seconds < 60) return fmt::format("{} s ago", seconds);
  if (seconds < 3600) return fmt::format("{} min ago", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{} h ago", seconds / 3600);
  return fmt::format("{} days ago", seconds / 86400);
}

std::string date(std::int64_t then) {
  const std::time_t time = then;
  std::tm parts{};
  ::localtime_r(&time, &parts);
  std::array<char, 40> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z", &parts);
  return {text.data(), size};
}

std::string span(const json& milliseconds) {
  const auto time = milliseconds.get<std::uint64_t>();
  return time == 0 ? "no limit" : format_duration(std::chrono::milliseconds(time));
}

}  // namespace

asio::awaitable<Result<Backend*>> BackendsOfSessions::find(std::string name, Deadline deadline) {
  auto& app = apps_[name];
  if (!app) {
    auto config = config_;
    config.backend = name;
    app = std::make_unique<App>(std::move(config));
  }
  co_return co_await app->backend(deadline);
}

asio::awaitable<std::string> state_of(const SessionStore& store, std::filesystem::path state_dir,
                                      BackendsOfSessions& backends, SessionRecord record) {
  if (store.in_use(record.name)) co_return "in use";
  const auto deadline = Deadline::after(5s);
  auto backend = co_await backends.find(record.backend, deadline);
  if (!backend) co_return "unknown: " + backend.error().message;
  const auto channel = state_dir / "sandboxes" / record.sandbox / "channel";
  const auto running = co_await (*backend)->attach(record.sandbox, channel.string(), deadline);
  if (running) co_return "live";
  if (running.error().code != Errc::closed) co_return "unknown: " + running.error().message;
  co_return "ended: " + why_ended(record, now_seconds(), boot_seconds());
}

json describe_session(const SessionStore& store, const SessionRecord& record,
                      const std::string& state) {
  auto session = to_json(record);
  session["state"] = state;
  const auto journal = BlockJournal::peek(store.journal(record.name));
  session["blocks"] = journal ? journal->kept.size() : 0;
  session["journal_bytes"] = journal ? journal->whole_bytes : 0;
  session["can_be_rebuilt"] = journal && !journal->full;
  const auto egress = egress_journal_path(store.state_dir(), record.sandbox);
  if (std::error_code none; std::filesystem::exists(egress, none)) {
    session["egress"] = to_json(read_egress_totals(egress));
    session["egress"]["journal"] = egress.string();
  }
  return session;
}

std::string session_table(const std::vector<json>& sessions) {
  std::vector<std::array<std::string, 6>> rows{
      {"NAME", "STATE", "BLOCKS", "BACKEND", "POLICY", "LAST USED"}};
  for (const auto& each : sessions) {
    rows.push_back({get_string(each, "name"), get_string(each, "state"),
                    std::to_string(each["blocks"].get<std::uint64_t>()),
                    get_string(each, "backend"), get_string(each, "policy"),
                    ago(each["last_used"].get<std::int64_t>())});
  }
  std::array<std::size_t, 6> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{:<{}}", row[i], widths[i] + 2);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string session_page(const json& session) {
  std::string text;
  const auto line = [&text](const char* what, const std::string& is) {
    text += fmt::format("{:<12}{}\n", what, is);
  };
  line("name", get_string(session, "name"));
  line("state", get_string(session, "state"));
  line("policy", get_string(session, "policy"));
  line("image", get_string(session, "image"));
  line("backend", get_string(session, "backend"));
  line("sandbox", get_string(session, "sandbox"));
  line("created", date(session["created"].get<std::int64_t>()));
  line("started", date(session["started"].get<std::int64_t>()));
  line("last used", date(session["last_used"].get<std::int64_t>()));
  line("ends", fmt::format("unused for {}, or after {} in any case", span(session["idle_ms"]),
                           span(session["lifetime_ms"])));
  line("blocks",
       fmt::format(
           "{} make its state, journal of {} KiB{}", session["blocks"].get<std::uint64_t>(),
           (session["journal_bytes"].get<std::uint64_t>() + 1023) / 1024,
           session["can_be_rebuilt"].get<bool>() ? "" : "; not complete: it cannot be rebuilt"));
  if (const auto egress = session.find("egress"); egress != session.end()) {
    const auto number = [&](const char* key) { return (*egress)[key].get<std::uint64_t>(); };
    line("egress",
         fmt::format("{} requests, {} refused, {} failed; {} KiB out, {} KiB in ({})",
                     number("requests"), number("refused"), number("failed"),
                     (number("up_bytes") + 1023) / 1024, (number("down_bytes") + 1023) / 1024,
                     get_string(*egress, "journal")));
  }
  if (const auto rebuilt = get_string(session, "rebuilt"); !rebuilt.empty()) {
    line("rebuilt", rebuilt);
  }
  return text;
}

}  // namespace caisson
