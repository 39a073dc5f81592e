// What is wrong with a policy, or worth knowing about it. parse.h and check.h make these.
#pragma once

#include <string>
#include <vector>

#include "sandbox/policy/policy.h"

namespace caisson {

enum class Severity { note, warning, error };

struct Finding {
  Severity severity = Severity::error;
  std::string id;    // stable, for tools: "unknown_key", "uid_root"
  std::string path;  // of the leaf: "resources.memory.max", empty: the file as a whole
  std::string text;  // what is wrong, and in parentheses what to do
  Origin where;      // no file: nobody set the leaf
  bool operator==(const Finding&) const = default;
};

// "mine.yaml:12:5: resources.memory.max: '2GBs' is not a size (try 2Gi)". Notes and warnings say
// so after the place.
std::string to_text(const Finding& finding);
// A line each.
std::string to_text(const std::vector<Finding>& findings);

bool has_errors(const std::vector<Finding>& findings);

}  // namespace caisson
