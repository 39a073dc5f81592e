#include "sandbox/session/state_report.h"

#include "sandbox/base/json.h"

namespace caisson {

using nlohmann::json;

namespace {

constexpr std::size_t max_items = 5000;

std::vector<std::string> texts(const json& report, const char* key) {
  std::vector<std::string> found;
  const auto list = report.find(key);
  if (list == report.end() || !list->is_array()) return found;
  for (const auto& item : *list) {
    if (found.size() < max_items && item.is_string()) found.push_back(item.get<std::string>());
  }
  return found;
}

std::vector<StateReport::Refusal> refusals(const json& report, const char* key) {
  std::vector<StateReport::Refusal> found;
  const auto list = report.find(key);
  if (list == report.end() || !list->is_array()) return found;
  for (const auto& item : *list) {
    if (found.size() < max_items && item.is_object()) {
      found.push_back({get_string(item, "name"), get_string(item, "reason")});
    }
  }
  return found;
}

std::uint64_t number(const json& report, const char* key) {
  const auto found = report.find(key);
  return found != report.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

Result<StateReport> parse_state_report(const json& report, const char* done) {
  if (!report.is_object() || !report.contains(done) || !report[done].is_array()) {
    return Error(Errc::protocol,
                 std::string("the guest's account of its state lacks the list '") + done + "'");
  }
  StateReport parsed;
  parsed.path = get_string(report, "path");
  parsed.bytes = number(report, "bytes");
  parsed.names = texts(report, done);
  parsed.failed = refusals(report, "failed");
  parsed.skipped = refusals(report, "skipped");
  parsed.notes = texts(report, "notes");
  parsed.more = number(report, "more");
  return parsed;
}

}  // namespace caisson
