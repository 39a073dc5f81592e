#include "sandbox/policy/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "sandbox/policy/units.h"

namespace caisson {

std::string or_guess(std::string message, const std::string& guess, std::string_view otherwise) {
  return fmt::format("{} ({})", message, guess.empty() ? otherwise : "try " + guess);
}

std::string read_size(std::string_view text, std::uint64_t low, std::uint64_t high,
                      std::uint64_t& size) {
  const auto value = parse_size(text);
  if (!value) {
    return or_guess(fmt::format("'{}' is not a size", text), guess_size(text),
                    "bytes, or a number with Ki, Mi, Gi or Ti: 512Mi");
  }
  if (*value < low || *value > high) {
    return fmt::format("{} is out of range ({} to {})", text, format_size(low), format_size(high));
  }
  size = *value;
  return "";
}

std::string read_whole(std::string_view text, std::int64_t low, std::int64_t high,
                       std::int64_t& number) {
  const bool negative = text.starts_with('-');
  const auto value = parse_whole(negative ? text.substr(1) : text);
  if (!value) return fmt::format("'{}' is not a whole number", text);
  const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto signed_value =
      static_cast<std::int64_t>(std::min(*value, limit)) * (negative ? -1 : 1);
  if (signed_value < low || signed_value > high) {
    return fmt::format("{} is out of range ({} to {})", text, low, high);
  }
  number = signed_value;
  return "";
}

std::string read_flag(std::string_view value, bool& flag) {
  if (value != "true" && value != "false") {
    return fmt::format("'{}' is neither true nor false", value);
  }
  flag = value == "true";
  return "";
}

std::string size_schema(std::uint64_t low) {
  return fmt::format(
      R"({{"anyOf": [{{"type": "integer", "minimum": {}}}, {{"type": "string", "pattern": "^[0-9]+(Ki|Mi|Gi|Ti)?$"}}]}})",
      low);
}

std::string whole_schema(std::int64_t low, std::int64_t high) {
  return fmt::format(R"({{"type": "integer", "minimum": {}, "maximum": {}}})", low, high);
}

std::string choice_schema(const std::vector<std::string>& names) {
  return fmt::format(R"({{"enum": ["{}"]}})", fmt::join(names, R"(", ")"));
}

}  // namespace caisson
