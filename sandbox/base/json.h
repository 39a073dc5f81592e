// JSON that somebody else wrote, and text that may not be UTF-8: both at arm's length.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace caisson {

// Parses text that we do not trust. Errors: too_large (nested deeper than `max_depth`; writing such
// a value out again would recurse as deep), protocol (not JSON).
Result<nlohmann::json> parse_json(std::string_view text, std::size_t max_depth = 64);

// One line; bytes that are not UTF-8 become U+FFFD.
std::string to_text(const nlohmann::json& value);

// Members of an object that somebody else wrote: the value, or the fallback when it is not there or
// of another type.
std::string get_string(const nlohmann::json& object, const char* key, std::string fallback = "");

}  // namespace caisson
