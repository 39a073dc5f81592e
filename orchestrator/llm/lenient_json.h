#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "sandbox/base/result.h"

namespace caisson {

// Parses JSON as servers write it, not only as the standard has it: a lone surrogate escape and
// bytes that are not UTF-8 become U+FFFD (servers cut characters between tokens), NaN and Infinity
// become null (log probabilities). Errors: those of parse_json.
Result<nlohmann::json> parse_lenient_json(std::string_view text);

}  // namespace caisson
