// The form of a policy file as a JSON Schema (draft 2020-12), for editors. It is made of the very
// table that reads policies, and its descriptions are those of policies/README.md. What only
// check() finds (a tmpfs without a size, a user that is root) is not in it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace caisson {

nlohmann::ordered_json policy_schema();

// The rows of policies/README.md's tables: key -> meaning. "filesystem.mounts.*.size" is a key of a
// row of a table.
std::map<std::string, std::string> described_keys();

}  // namespace caisson
