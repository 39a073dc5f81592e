#include "sandbox/session/names.h"

#include <algorithm>
#include <array>
#include <string>

#include "sandbox/base/json.h"

namespace caisson {

using nlohmann::json;

namespace {

constexpr std::size_t max_names = 500;
constexpr std::size_t max_dimensions = 32;
constexpr std::size_t max_text_bytes = 1024;  // the worker cuts at 200 characters

bool is_text(const json& value) {
  return value.is_string() && value.get_ref<const std::string&>().size() <= max_text_bytes;
}

bool is_shape(const json& value) {
  return value.is_array() && value.size() <= max_dimensions &&
         std::all_of(value.begin(), value.end(),
                     [](const json& n) { return n.is_number_unsigned(); });
}

void copy_if(bool fits, const json& from, const char* key, json& to) {
  if (fits) to[key] = from.at(key);
}

// One name, or null when it is not one.
json checked_name(const json& entry) {
  if (!entry.is_object()) return nullptr;
  const auto has = [&](const char* key) { return entry.contains(key); };
  if (!has("name") || !is_text(entry["name"]) || !has("type") || !is_text(entry["type"])) {
    return nullptr;
  }
  json name{{"name", entry["name"]}, {"type", entry["type"]}};
  const auto sure = get_string(entry, "size_is");
  if (has("size") && entry["size"].is_number_unsigned() &&
      (sure == "exact" || sure == "estimate" || sure == "at_least")) {
    name["size"] = entry["size"];
    name["size_is"] = sure;
  }
  copy_if(has("length") && entry["length"].is_number_unsigned(), entry, "length", name);
  copy_if(has("shape") && is_shape(entry["shape"]), entry, "shape", name);
  copy_if(has("repr") && is_text(entry["repr"]), entry, "repr", name);
  return name;
}

json checked_changes(const json& changes) {
  json checked = json::object();
  for (const char* key : {"block", "more"}) {
    const auto number = changes.find(key);
    if (number != changes.end() && number->is_number_unsigned()) checked[key] = *number;
  }
  if (const auto unknown = get_string(changes, "unknown"); !unknown.empty()) {
    checked["unknown"] = unknown.substr(0, max_text_bytes);
  }
  for (const char* key : {"added", "rebound", "deleted", "mutated"}) {
    const auto names = changes.find(key);
    if (names == changes.end()) continue;
    checked[key] = nullptr;  // not compared
    if (!names->is_array()) continue;
    checked[key] = json::array();
    for (const auto& name : *names) {
      if (checked[key].size() < max_names && is_text(name)) checked[key].push_back(name);
    }
  }
  return checked;
}

}  // namespace

Result<json> checked_names(const json& report) {
  const auto wrong = [](const char* what) {
    return Error(Errc::protocol, std::string("the guest's account of its names has ") + what);
  };
  if (!report.is_object()) return wrong("no content");
  const auto names = report.find("names");
  const auto total = report.find("total");
  const auto changed = report.find("changed");
  if (names == report.end() || !names->is_array()) return wrong("no list of names");
  if (total == report.end() || !total->is_number_unsigned()) return wrong("no total");
  if (changed == report.end() || !changed->is_object()) return wrong("no changes");
  json checked{{"names", json::array()}, {"total", *total}, {"changed", checked_changes(*changed)}};
  for (const auto& entry : *names) {
    if (checked["names"].size() == max_names) break;
    auto name = checked_name(entry);
    if (name.is_null()) return wrong("an entry that is no name");
    checked["names"].push_back(std::move(name));
  }
  return checked;
}

}  // namespace caisson
