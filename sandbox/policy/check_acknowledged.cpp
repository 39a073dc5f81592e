#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "sandbox/policy/check_parts.h"
#include "sandbox/policy/units.h"

namespace caisson {
namespace {

// Findings that an author can take on: dangers, which are errors else, and warnings.
const std::vector<std::string> can_be_taken_on{
    "bind_writable",         "image_unpinned",  "landlock_optional",
    "private_network",       "secret_in_clear", "secret_in_env",
    "signals_unmediated",    "wildcard_host",   "core_files",
    "http_denied",           "large_container", "no_effect",
    "not_offered",           "output",          "times",
    "working_dir_read_only", "write_and_run",
};

bool can_take_on(const std::string& id) {
  return std::find(can_be_taken_on.begin(), can_be_taken_on.end(), id) != can_be_taken_on.end();
}

}  // namespace

// What the author takes on by name is not said any more; a name that nothing needs is.
void take_acknowledged(const Policy& policy, std::vector<Finding>& findings) {
  std::set<std::string> taken;
  std::erase_if(findings, [&](const Finding& finding) {
    const bool known = can_take_on(finding.id) && policy.acknowledge.contains(finding.id);
    if (known) taken.insert(finding.id);
    return known;
  });
  for (const auto& [id, reason] : policy.acknowledge) {
    if (taken.contains(id)) continue;
    const auto path = "acknowledge." + id;
    const auto origin = policy.origins.find(path);
    const auto where = origin == policy.origins.end() ? Origin{} : origin->second;
    if (can_take_on(id)) {
      findings.push_back(
          {Severity::warning, "not_needed", path, "nothing here needs it (take it out)", where});
      continue;
    }
    const auto guess = nearest(id, can_be_taken_on);
    findings.push_back(
        {Severity::error, "unknown_risk", path,
         guess.empty()
             ? fmt::format("nothing of that name can be taken on (one of {})",
                           fmt::join(can_be_taken_on, ", "))
             : fmt::format("nothing of that name can be taken on (did you mean '{}'?)", guess),
         where});
  }
}

}  // namespace caisson
