// Paths of requests against the patterns of a policy.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace caisson {

// The path of a request's target, without its query, as servers agree to read it: escapes of plain
// letters are undone. Nothing where they may not agree: dot segments, empty segments, encoded
// slashes, dots, percent signs and control characters, backslashes.
std::optional<std::string> plain_path(std::string_view target);

// "**" stands for any rest, "*" for anything within one part.
bool path_matches(std::string_view pattern, std::string_view path);

}  // namespace caisson
