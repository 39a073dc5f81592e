// What `caisson sessions list` and `show` say of named sessions.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "orchestrator/app/app.h"
#include "sandbox/session/session_store.h"

namespace caisson {

// One App for each backend that has sessions.
class BackendsOfSessions {
 public:
  explicit BackendsOfSessions(Config config) : config_(std::move(config)) {}
  // Errors: those of App::backend().
  boost::asio::awaitable<Result<Backend*>> find(std::string name, Deadline deadline);

 private:
  Config config_;
  std::map<std::string, std::unique_ptr<App>> apps_;
};

// "live", "in use", "ended: idle for 30m", "unknown: …" when the backend cannot be asked.
boost::asio::awaitable<std::string> state_of(const SessionStore& store,
                                             std::filesystem::path state_dir,
                                             BackendsOfSessions& backends, SessionRecord record);

// The record, and "state", "blocks" (that would be run again), "journal_bytes" and
// "can_be_rebuilt".
nlohmann::json describe_session(const SessionStore& store, const SessionRecord& record,
                                const std::string& state);

// A table for a person, of what describe_session() gave.
std::string session_table(const std::vector<nlohmann::json>& sessions);
std::string session_page(const nlohmann::json& session);

}  // namespace caisson
