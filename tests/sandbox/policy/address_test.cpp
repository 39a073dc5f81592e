#include "sandbox/policy/address.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

std::string closed(const char* text) {
  const auto address = parse_address(text);
  EXPECT_TRUE(address) << text;
  return address ? std::string(closed_range(*address)) : "";
}

TEST(Address, PublicOnesAreOpen) {
  for (const auto* text :
       {"1.1.1.1", "11.0.0.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
        "169.253.255.255", "192.0.1.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "2606:4700::1", "2a00::1", "2001:200::1", "3ffe::1"}) {
    EXPECT_EQ(closed(text), "") << text;
  }
}

TEST(Address, EverythingElseIsClosed) {
  for (const auto* text : {"0.0.0.0",
                           "0.1.2.3",
                           "10.0.0.1",
                           "10.255.255.255",
                           "100.64.0.1",
                           "100.100.100.200",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.255",
                           "168.63.129.16",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.1",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.1.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.1",
                           "203.0.113.1",
                           "224.0.0.1",
                           "239.1.1.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::7f00:1",
                           "::ffff:7f00:1",
                           "::ffff:1.1.1.1",
                           "64:ff9b::7f00:1",
                           "64:ff9b:1::1",
                           "100::1",
                           "2001::1",
                           "2001:10::1",
                           "2001:db8::1",
                           "2002:7f00:1::",
                           "3fff::1",
                           "4000::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "fe80::1",
                           "fec0::1",
                           "ff02::1"}) {
    EXPECT_NE(closed(text), "") << text;
  }
}

TEST(Address, ARangeHasNoBitsBeyondItsPrefix) {
  EXPECT_TRUE(parse_cidr("10.1.2.0/24"));
  EXPECT_TRUE(parse_cidr("2001:db8::/32"));
  EXPECT_TRUE(parse_cidr("10.1.2.3/32"));
  for (const auto* text : {"10.1.2.3/24", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/",
                           "/8", "x/8", "2001:db8::1/32", "10.0.0.0/8 "}) {
    EXPECT_FALSE(parse_cidr(text)) << text;
  }
  EXPECT_TRUE(contains(*parse_cidr("10.1.2.0/23"), *parse_address("10.1.3.255")));
  EXPECT_FALSE(contains(*parse_cidr("10.1.2.0/23"), *parse_address("10.1.4.0")));
  EXPECT_FALSE(contains(*parse_cidr("::/0"), *parse_address("10.1.4.0")));
}

TEST(Address, TheHostItselfIsNeverExempt) {
  for (const auto* text :
       {"127.0.0.0/8", "127.0.0.1/32", "0.0.0.0/0", "::/0", "::1/128", "169.254.169.254/32",
        "168.0.0.0/8", "100.64.0.0/10", "fe80::/64", "fd00::/8", "224.0.0.0/8"}) {
    EXPECT_TRUE(never_exempt(*parse_cidr(text))) << text;
  }
  for (const auto* text : {"10.0.0.0/8", "192.168.0.0/16", "100.64.0.0/16", "fd12::/48"}) {
    EXPECT_FALSE(never_exempt(*parse_cidr(text))) << text;
  }
}

}  // namespace
}  // namespace caisson
