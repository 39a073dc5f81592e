// What a sandbox is told when its request does not get out, and why.
#pragma once

#include <string>

namespace caisson {

struct Refusal {
  unsigned status = 403;  // 400, 403, 413, 429; 502 and 504 when the host is at fault, not the rule
  std::string id;         // "denied_host"
  std::string subject;    // "CONNECT evil.example.org:443"
  std::string rule;       // with the line of the policy
  std::string hint;       // one sentence for the model
  bool operator==(const Refusal&) const = default;
};

// A whole HTTP response whose body is {"denied", "rule", "line", "hint"}, and that ends the
// connection.
std::string response_of(const Refusal& refusal);

}  // namespace caisson
