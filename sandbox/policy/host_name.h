// One spelling for each host: everything that compares, resolves or dials a name that came out of a
// sandbox has it from here, so that no two places can read it differently.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace caisson {

struct HostPort {
  std::string host;        // canonical; IPv6 without brackets
  std::uint16_t port = 0;  // 0: none was given
  bool operator==(const HostPort&) const = default;
};

// A DNS name in lower case, or an address as inet_ntop(3) writes it. Names are ASCII (IDN in its
// "xn--" form), without a dot at the end; an address has four decimal parts without leading zeros,
// or is IPv6 in brackets that embeds no IPv4 address and has no zone. Error: bad_input, with the
// reason; nothing is repaired but the case of letters.
Result<std::string> canonical_host(std::string_view text);

// "host", "host:443", "[2001:db8::1]:443". Error: bad_input, as above, and for a port that is not a
// number from 1 to 65535.
Result<HostPort> parse_authority(std::string_view text);

// What is wrong with a pattern of network.egress, for a person, or nothing: a canonical host, or
// "*." and a canonical name of two labels or more.
std::string problem_of_pattern(std::string_view pattern);

// `host` is canonical. "*.example.org" stands for exactly one label more.
bool host_matches(std::string_view pattern, std::string_view host);

}  // namespace caisson
