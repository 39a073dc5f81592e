#include "sandbox/egress/resolve.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(Resolve, OnlyOpenAddressesAreLeft) {
  Policy policy;
  const std::vector<Address> found{*parse_address("10.1.2.3"), *parse_address("11.0.0.1"),
                                   *parse_address("::1"), *parse_address("::ffff:11.0.0.1")};
  std::string closed;
  EXPECT_EQ(open_addresses(policy, found, closed), (std::vector<Address>{found[1]}));
  EXPECT_NE(closed.find("in IPv6 form"), closed.npos) << closed;
  policy.network.egress.exempt = {"10.1.2.0/24"};
  EXPECT_EQ(open_addresses(policy, found, closed), (std::vector<Address>{found[0], found[1]}));
}

}  // namespace
}  // namespace caisson
