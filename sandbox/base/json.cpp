#include "sandbox/base/json.h"

namespace caisson {
namespace {

// How deep arrays and objects nest; the text need not be valid.
std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::size_t max_depth) {
  if (depth_of(text) > max_depth) {
    return Error(Errc::too_large,
                 "JSON is nested deeper than " + std::to_string(max_depth) + " levels");
  }
  auto value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) return Error(Errc::protocol, "not valid JSON");
  return value;
}

std::string to_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string get_string(const nlohmann::json& object, const char* key, std::string fallback) {
  if (!object.is_object()) return fallback;
  const auto member = object.find(key);
  return member != object.end() && member->is_string() ? member->get<std::string>() : fallback;
}

}  // namespace caisson
