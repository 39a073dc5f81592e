// YAML -> Policy. policies/README.md has the keys and how `extends` merges.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/policy/finding.h"
#include "sandbox/policy/policy.h"

namespace caisson {

struct PolicyFiles {
  std::string directory;  // relative paths begin here; empty: the current directory
};

// `reference` is the name of a bundled policy ("strict"), or a path: whatever has a '/' or ends in
// ".yaml" or ".yml". What the policy means for the host is not checked here: check.h does that.
//
// Errors: not_found (no such file or bundled policy), bad_policy; the message has a line for each
// thing that is wrong in any of the files, as "file:line:col: path: what is wrong (what to do)".
Result<Policy> load_policy(const std::string& reference, const PolicyFiles& where = {});

// The same for text that is already here; `file` is its name in messages. The paths in its
// `extends` begin at where.directory.
Result<Policy> parse_policy(std::string_view yaml, const std::string& file,
                            const PolicyFiles& where = {});

}  // namespace caisson
