// Values as people write them. Private to fields.cpp and mount_fields.cpp. Each returns what is
// wrong with the text, for a person, or nothing and the value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caisson {

std::string read_size(std::string_view text, std::uint64_t low, std::uint64_t high,
                      std::uint64_t& size);
std::string read_whole(std::string_view text, std::int64_t low, std::int64_t high,
                       std::int64_t& number);
std::string read_flag(std::string_view text, bool& flag);

// JSON Schemas of the same, as text.
std::string size_schema(std::uint64_t low);
std::string whole_schema(std::int64_t low, std::int64_t high);
std::string choice_schema(const std::vector<std::string>& names);
inline constexpr std::string_view flag_schema = R"({"type": "boolean"})";
inline constexpr std::string_view text_schema = R"({"type": "string"})";

// "'10' is not a duration (try 10s)"; without a guess `otherwise` stands in the parentheses.
std::string or_guess(std::string message, const std::string& guess, std::string_view otherwise);

}  // namespace caisson
