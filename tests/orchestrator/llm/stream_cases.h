// The hand-made streams of tests/cases/streams.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace caisson::test {

struct StreamCase {
  std::string name;
  std::string stream;  // the body, byte for byte
  nlohmann::json
      expected;  // content, reasoning, refusal, finish, usage, error, outcome, bad_events
};

// Lines of `{"name", "b64" or "text", "expect"}`. Throws what a broken table makes the library
// throw.
std::vector<StreamCase> load_streams(const std::string& table);

}  // namespace caisson::test
