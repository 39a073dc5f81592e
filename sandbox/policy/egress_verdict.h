// Whether a policy lets a sandbox reach a host, and which line of it says so: a pure function, the
// same for the proxy that enforces it and for `policy explain`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/policy/policy.h"

namespace caisson {

struct EgressVerdict {
  bool allowed = false;
  // Of a refusal: "no_network", "bad_host", "denied_host", "denied_port", "denied_method",
  // "denied_path", "ambiguous_path", "denied_tunnel".
  std::string id;
  std::string rule;  // "network.egress.allow.api.example.org (mine.yaml:7)"
  Origin origin;     // of the rule; of network.egress.allow or network.mode when there is none
  std::string hint;  // of a refusal: one sentence for the model; never how to loosen the policy
  // The rule is reached over TLS: a plain request for port 80 of a host whose rule has only 443 is
  // sent there encrypted.
  std::uint16_t dial_port = 0;
  bool dial_tls = false;
};

// `method` "CONNECT" is a tunnel, of which nobody sees methods and paths. An empty `method` or
// `path` is not asked about. Addresses are another matter: they are known when the name is
// resolved.
EgressVerdict judge(const Policy& policy, std::string_view host, std::uint16_t port,
                    std::string_view method = {}, std::string_view path = {});

// "network.egress.exempt (mine.yaml:9)": a leaf with where it was said, or the nearest above it.
std::string rule_text(const Policy& policy, std::string leaf);

}  // namespace caisson
