// Text of others on the user's terminal, and times that the user writes.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"
#include "sandbox/session/outcome.h"

namespace caisson {

// The text without what would steer a terminal: escape sequences and control characters other than
// newline and tab are shown as visible escapes (a title change or a clipboard write becomes text),
// and so are characters that reorder or hide text.
std::string printable(std::string_view text);

// One line of ASCII: neither a terminal nor a reader of lines finds more than JSON in it.
std::string json_line(const nlohmann::json& value);

// "kept", "rolled back to block 2".
std::string describe(const SessionState& state);

// "500ms", "10s", "2m", "1h"; empty is zero. Error: bad_input.
Result<std::chrono::milliseconds> parse_time(const std::string& text);

}  // namespace caisson
