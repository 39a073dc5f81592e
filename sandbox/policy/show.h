// The effective policy for a person or a program: every leaf, who said so, and what follows.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sandbox/policy/compile.h"

namespace caisson {

// YAML that load_policy() reads back as the same policy; each leaf has its origin behind it
// ("# builtin:strict:12"), and the derived numbers stand in comments at the end.
std::string show(const Policy& policy, const CompiledPolicy& compiled);

// {"policy": {"resources": {"memory": {"max": {"value": "512Mi", "origin": "builtin:strict:12"}}…},
//  "derived": {"container_memory_bytes": …}}. Sizes and durations are spelled as in YAML; a leaf
// that nobody set has an origin of null.
nlohmann::json show_json(const Policy& policy, const CompiledPolicy& compiled);

}  // namespace caisson
