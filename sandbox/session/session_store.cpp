#include "sandbox/session/session_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "sandbox/base/async.h"
#include "sandbox/base/durable_file.h"
#include "sandbox/base/json.h"
#include "sandbox/policy/units.h"

namespace caisson {

namespace fs = std::filesystem;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_name = 64;
constexpr std::uint64_t max_record_bytes = 65536;

template <class T>
T number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<T>() : T{};
}

}  // namespace

json to_json(const SessionRecord& record) {
  return {{"name", record.name},
          {"sandbox", record.sandbox},
          {"context", record.context},
          {"backend", record.backend},
          {"image", record.image},
          {"policy", record.policy},
          {"policy_hash", record.policy_hash},
          {"idle_ms", record.idle_ms},
          {"lifetime_ms", record.lifetime_ms},
          {"created", record.created},
          {"started", record.started},
          {"last_used", record.last_used},
          {"rebuilt", record.rebuilt}};
}

Result<SessionRecord> session_record(const json& text) {
  if (!text.is_object()) return Error(Errc::protocol, "it is not a JSON object");
  SessionRecord record;
  record.name = get_string(text, "name");
  record.sandbox = get_string(text, "sandbox");
  record.context = number<std::uint16_t>(text, "context");
  record.backend = get_string(text, "backend");
  record.image = get_string(text, "image");
  record.policy = get_string(text, "policy");
  record.policy_hash = get_string(text, "policy_hash");
  record.idle_ms = number<std::uint64_t>(text, "idle_ms");
  record.lifetime_ms = number<std::uint64_t>(text, "lifetime_ms");
  record.created = number<std::int64_t>(text, "created");
  record.started = number<std::int64_t>(text, "started");
  record.last_used = number<std::int64_t>(text, "last_used");
  record.rebuilt = get_string(text, "rebuilt");
  const bool plain_id =
      !record.sandbox.empty() && record.sandbox.find_first_of("/.") == std::string::npos;
  if (!plain_id || record.context == 0 || record.backend.empty()) {
    return Error(Errc::protocol, "it names no sandbox");
  }
  return record;
}

Result<void> check_session_name(const std::string& name) {
  const auto good = [](unsigned char letter) {
    return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
           (letter >= '0' && letter <= '9') || letter == '.' || letter == '_' || letter == '-';
  };
  if (!name.empty() && name.size() <= max_name && name[0] != '.' && name[0] != '-' &&
      std::all_of(name.begin(), name.end(), good)) {
    return boost::system::in_place_value;
  }
  return Error(Errc::bad_input,
               fmt::format("'{}' cannot be the name of a session: use 1 to {} of A-Z, a-z, 0-9, "
                           "'.', '_' and '-', and begin with none of '.' and '-'",
                           name.substr(0, 80), max_name));
}

SessionStore::SessionStore(fs::path state_dir) : directory_(std::move(state_dir) / "sessions") {}

fs::path SessionStore::file(const std::string& name, const char* end) const {
  return directory_ / (name + end);
}

fs::path SessionStore::journal(const std::string& name) const {
  return file(name, ".blocks");
}

std::vector<std::string> SessionStore::names() const {
  std::vector<std::string> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    auto name = entry.path().filename().string();
    if (!name.ends_with(".json") || name.starts_with('.')) continue;
    all.push_back(name.substr(0, name.size() - 5));
  }
  std::sort(all.begin(), all.end());
  return all;
}

Result<SessionRecord> SessionStore::load(const std::string& name) const {
  if (auto good = check_session_name(name); !good) return good.error();
  auto text = load_file(file(name, ".json"), max_record_bytes);
  if (!text && text.error().code == Errc::not_found) {
    return Error(Errc::not_found, fmt::format("there is no session '{}'", name));
  }
  if (!text) return text.error();
  const auto parsed = parse_json(*text);
  auto record = parsed ? session_record(*parsed) : Result<SessionRecord>(parsed.error());
  if (!record) {
    return Error(Errc::protocol,
                 fmt::format("{}: {} (caisson sessions kill {} removes it)",
                             file(name, ".json").string(), record.error().message, name));
  }
  record->name = name;
  return record;
}

Result<void> SessionStore::save(const SessionRecord& record) const {
  return replace_file(file(record.name, ".json"), to_text(to_json(record)) + "\n");
}

std::vector<std::string> SessionStore::siblings(const SessionRecord& record) const {
  auto all = names();
  std::erase_if(all, [&](const std::string& name) {
    if (name == record.name) return true;
    const auto other = load(name);
    return !other || other->sandbox != record.sandbox || other->backend != record.backend;
  });
  return all;
}

bool SessionStore::in_use(const std::string& name) const {
  const auto lock = lock_file(file(name, ".lock"), Locking::try_existing);
  return !lock && errno == EWOULDBLOCK;
}

boost::asio::awaitable<Result<OwnedFd>> SessionStore::lock(std::string name,
                                                           Deadline deadline) const {
  if (auto good = check_session_name(name); !good) co_return good.error();
  std::error_code error;
  fs::create_directories(directory_, error);
  fs::permissions(directory_, fs::perms::owner_all, error);
  for (;;) {
    auto lock = lock_file(file(name, ".lock"), Locking::try_once);
    if (lock) co_return std::move(lock);
    if (errno != EWOULDBLOCK) {
      co_return Error(Errc::io, fmt::format("{}: {} (choose another place with --state-dir)",
                                            file(name, ".lock").string(), std::strerror(errno)));
    }
    if (deadline.passed()) {
      co_return Error(Errc::unavailable,
                      fmt::format("session {} is used by another command: wait for it to end, or "
                                  "use another name",
                                  name));
    }
    co_await sleep_for(20ms);
  }
}

void SessionStore::remove(const std::string& name) const {
  std::error_code ignored;
  // The record last but for the lock: while it is there, the session can be removed again.
  fs::remove(file(name, ".blocks"), ignored);
  fs::remove(directory_ / ("." + name + ".blocks.next"), ignored);
  fs::remove(file(name, ".json"), ignored);
  fs::remove(directory_ / ("." + name + ".json.next"), ignored);
  fs::remove(file(name, ".lock"), ignored);
}

std::string why_ended(const SessionRecord& record, std::int64_t now, std::int64_t boot) {
  const auto has_passed = [now](std::int64_t since, std::uint64_t limit_ms) {
    return limit_ms > 0 && now - since >= static_cast<std::int64_t>(limit_ms / 1000);
  };
  const auto spelled = [](std::uint64_t limit_ms) {
    return format_duration(std::chrono::milliseconds(limit_ms));
  };
  if (boot > record.last_used) return "this machine was started again";
  if (has_passed(record.last_used, record.idle_ms)) return "idle for " + spelled(record.idle_ms);
  if (has_passed(record.started, record.lifetime_ms)) {
    return "its lifetime of " + spelled(record.lifetime_ms) + " was over";
  }
  return "its container is gone";
}

std::int64_t now_seconds() {
  return std::time(nullptr);
}

std::int64_t boot_seconds() {
  timespec since{};
  ::clock_gettime(CLOCK_BOOTTIME, &since);
  return std::time(nullptr) - since.tv_sec;
}

}  // namespace caisson
