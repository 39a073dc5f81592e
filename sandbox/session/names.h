// What a guest says of a session's names, made safe to pass on.
#pragma once

#include <nlohmann/json.hpp>

#include "sandbox/base/result.h"

namespace caisson {

// The report with the fields that wire/PROTOCOL.md names, each of its type and within its bounds;
// what else the guest has put there is taken out. Errors: protocol (a field that must be there is
// missing or of another type).
Result<nlohmann::json> checked_names(const nlohmann::json& report);

}  // namespace caisson
