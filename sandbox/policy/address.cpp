#include "sandbox/policy/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "sandbox/policy/units.h"

namespace caisson {
namespace {

struct Closed {
  const char* range;
  std::string_view what;
};

constexpr Closed closed_ipv4[] = {
    {"0.0.0.0/8", "this host"},
    {"10.0.0.0/8", "a private network"},
    {"100.64.0.0/10", "shared address space"},
    {"127.0.0.0/8", "loopback"},
    {"168.63.129.16/32", "a cloud's metadata"},
    {"169.254.0.0/16", "link-local, where clouds have their metadata"},
    {"172.16.0.0/12", "a private network"},
    {"192.0.0.0/24", "protocol assignments"},
    {"192.0.2.0/24", "documentation"},
    {"192.88.99.0/24", "6to4 relays"},
    {"192.168.0.0/16", "a private network"},
    {"198.18.0.0/15", "benchmarks"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved"},
};

// The first that holds is told.
constexpr Closed closed_ipv6[] = {
    {"::/128", "this host"},
    {"::1/128", "loopback"},
    {"::ffff:0:0/96", "an IPv4 address in IPv6 form"},
    {"64:ff9b::/96", "an IPv4 address behind NAT64"},
    {"64:ff9b:1::/48", "an IPv4 address behind NAT64"},
    {"fc00::/7", "a private network"},
    {"fe80::/10", "link-local"},
    {"ff00::/8", "multicast"},
    {"2001::/32", "an IPv4 address behind Teredo"},
    {"2001::/23", "protocol assignments"},
    {"2001:db8::/32", "documentation"},
    {"2002::/16", "an IPv4 address behind 6to4"},
    {"3fff::/20", "documentation"},
};
constexpr const char* global_ipv6 = "2000::/3";

constexpr const char* embedding[] = {"::/96",        "::ffff:0:0/96",  "::ffff:0:0:0/96",
                                     "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32",
                                     "2002::/16"};

constexpr const char* always_closed[] = {
    "0.0.0.0/8",   "127.0.0.0/8",       "169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32",
    "224.0.0.0/4", "240.0.0.0/4",       "::/96",          "::ffff:0:0/96",    "64:ff9b::/96",
    "fe80::/10",   "fd00:ec2::254/128", "ff00::/8",       "2002::/16",        "2001::/32"};

unsigned width(const Address& address) {
  return address.v6 ? 128 : 32;
}

bool same_prefix(const Address& one, const Address& other, unsigned bits) {
  for (unsigned at = 0; at < bits; at += 8) {
    const unsigned count = std::min(8U, bits - at);
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - count));
    if (((one.bytes[at / 8] ^ other.bytes[at / 8]) & mask) != 0) return false;
  }
  return true;
}

bool is_in(const char* range, const Address& address) {
  return contains(*parse_cidr(range), address);
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  // inet_pton stops at a NUL.
  if (text.size() > 45 || text.find('\0') != text.npos) return std::nullopt;
  Address address;
  address.v6 = text.find(':') != text.npos;
  const int family = address.v6 ? AF_INET6 : AF_INET;
  if (::inet_pton(family, std::string(text).c_str(), address.bytes.data()) != 1) {
    return std::nullopt;
  }
  return address;
}

std::string to_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(),
              static_cast<socklen_t>(text.size()));
  return text.data();
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const auto base = parse_address(text.substr(0, slash));
  const auto bits = parse_whole(text.substr(slash + 1));
  if (!base || !bits || *bits > width(*base)) return std::nullopt;
  const Cidr range{*base, static_cast<unsigned>(*bits)};
  Address rounded;
  rounded.v6 = base->v6;
  for (unsigned at = 0; at < range.bits; at += 8) {
    const unsigned count = std::min(8U, range.bits - at);
    rounded.bytes[at / 8] = static_cast<std::uint8_t>(base->bytes[at / 8] & (0xff << (8 - count)));
  }
  if (rounded != *base) return std::nullopt;
  return range;
}

bool contains(const Cidr& range, const Address& address) {
  return range.base.v6 == address.v6 && same_prefix(range.base, address, range.bits);
}

bool overlap(const Cidr& one, const Cidr& other) {
  return one.base.v6 == other.base.v6 &&
         same_prefix(one.base, other.base, std::min(one.bits, other.bits));
}

std::string_view closed_range(const Address& address) {
  if (!address.v6) {
    for (const auto& closed : closed_ipv4) {
      if (is_in(closed.range, address)) return closed.what;
    }
    return "";
  }
  for (const auto& closed : closed_ipv6) {
    if (is_in(closed.range, address)) return closed.what;
  }
  return is_in(global_ipv6, address) ? "" : "not a public address";
}

bool embeds_ipv4(const Address& address) {
  // "::" and "::1" are addresses of their own.
  if (!address.v6 || is_in("::/127", address)) return false;
  return std::any_of(std::begin(embedding), std::end(embedding),
                     [&](const char* range) { return is_in(range, address); });
}

bool never_exempt(const Cidr& range) {
  return std::any_of(std::begin(always_closed), std::end(always_closed),
                     [&](const char* closed) { return overlap(*parse_cidr(closed), range); });
}

}  // namespace caisson
