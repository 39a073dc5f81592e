// What became of names that were to be saved or restored.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sandbox/base/result.h"

namespace caisson {

struct StateReport {
  struct Refusal {
    std::string name;
    std::string reason;  // for a person: "cannot pickle 'generator' object"
    bool operator==(const Refusal&) const = default;
  };
  std::string path;                // as it was given
  std::uint64_t bytes = 0;         // size of the file that was written; 0: it was read
  std::vector<std::string> names;  // that were saved or restored
  std::vector<Refusal> failed;     // those that were not
  std::vector<Refusal> skipped;    // those that must not be replaced: tools of the host
  std::vector<std::string> notes;  // what is not as one might expect, such as lost sharing
  std::uint64_t more = 0;          // names that these lists have no place for
  bool operator==(const StateReport&) const = default;
};

// The guest's report as a value. `done` is the member that lists the names: "saved" or "restored".
// Errors: protocol.
Result<StateReport> parse_state_report(const nlohmann::json& report, const char* done);

}  // namespace caisson
