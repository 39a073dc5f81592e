// Internet addresses as values: which of them a sandbox may never reach, whatever a name resolves
// to.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caisson {

struct Address {
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 in the first four
  bool v6 = false;
  bool operator==(const Address&) const = default;
};

// As inet_pton(3) reads it: "192.0.2.1", "2001:db8::1".
std::optional<Address> parse_address(std::string_view text);
std::string to_text(const Address& address);

struct Cidr {
  Address base;
  unsigned bits = 0;  // of the prefix
  bool operator==(const Cidr&) const = default;
};
// "10.1.2.0/24"; nothing when it is not one, or has bits beyond its prefix.
std::optional<Cidr> parse_cidr(std::string_view text);
bool contains(const Cidr& range, const Address& address);
bool overlap(const Cidr& one, const Cidr& other);

// Why this address is closed, for a person ("a private network"), or empty: it is a public one.
// From the special-purpose registries of IANA; of IPv6 only global unicast is open.
std::string_view closed_range(const Address& address);

// Whether it is IPv6 with an IPv4 address inside: mapped, compatible, translated or tunnelled.
bool embeds_ipv4(const Address& address);

// Whether no policy may open this range: the host itself, its link, the keys of its cloud.
bool never_exempt(const Cidr& range);

}  // namespace caisson
