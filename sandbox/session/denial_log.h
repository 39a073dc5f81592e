// Every denial of a host, to be found again by its id: a file of JSON lines that whoever runs the
// sandboxes can read, and nobody else.
//
//   {"id": "d-3f9k2mwq", "time": "2026-03-01T10:20:30Z", "sandbox": …, "session": …, "block": 3,
//    "policy": "strict", "layer": …, "subject": …, "error": …, "rule": …, "hint": …, "fix": …,
//    "count": 1}
//
// Two files of at most 4 MiB each are kept, which is some ten thousand of the newest.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/session/outcome.h"

namespace caisson {

struct DenialPlace {
  std::string sandbox;
  std::string session;  // its name; empty: it has none
  std::string policy;
};

class DenialLog {
 public:
  explicit DenialLog(std::filesystem::path state_dir) : directory_(std::move(state_dir)) {}

  // Gives each of the outcome's denials an id and writes them. Several processes may do so at a
  // time. Error: io; the ids are there all the same.
  Result<void> write(const DenialPlace& place, Outcome& outcome) const;

  // The record of an id, or of the newest denial with "last". Errors: not_found, io.
  Result<nlohmann::json> find(const std::string& id) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace caisson
