#include "sandbox/policy/host_name.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using namespace std::string_literals;

TEST(HostName, HasOneSpelling) {
  EXPECT_EQ(*canonical_host("API.Example.ORG"), "api.example.org");
  EXPECT_EQ(*canonical_host("xn--bcher-kva.example"), "xn--bcher-kva.example");
  EXPECT_EQ(*canonical_host("a_b.example.org"), "a_b.example.org");
  EXPECT_EQ(*canonical_host("11.0.0.1"), "11.0.0.1");
  EXPECT_EQ(*canonical_host("[2001:DB8:0:0::1]"), "2001:db8::1");
  EXPECT_EQ(*canonical_host("host"), "host");
}

TEST(HostName, NothingElseIsRepaired) {
  for (const auto& text : {""s,
                           "."s,
                           "a..b"s,
                           ".a"s,
                           "a."s,
                           "a.b."s,
                           "-a.b"s,
                           "a-.b"s,
                           "a\0.b"s,
                           "a%00.b"s,
                           "a b"s,
                           "a\r\nb"s,
                           "a\tb"s,
                           "user@host"s,
                           "a/b"s,
                           "a\\b"s,
                           "a?b"s,
                           "a#b"s,
                           "bücher.example"s,
                           "1"s,
                           "127.1"s,
                           "0x7f000001"s,
                           "0x7f.0.0.1"s,
                           "2130706433"s,
                           "0177.0.0.1"s,
                           "127.0.0.1.1"s,
                           "127.0.0.01"s,
                           "256.0.0.1"s,
                           "a.0x1"s,
                           "a.1"s,
                           "::1"s,
                           "[::1"s,
                           "[]"s,
                           "[::1%lo]"s,
                           "[::ffff:127.0.0.1]"s,
                           "[::127.0.0.1]"s,
                           "[64:ff9b::1]"s,
                           "[2002::1]"s,
                           "[127.0.0.1]"s,
                           "[::1]x"s,
                           std::string(254, 'a'),
                           std::string(64, 'a') + ".b"}) {
    EXPECT_FALSE(canonical_host(text)) << text;
  }
}

TEST(HostName, APortIsANumberFrom1To65535) {
  EXPECT_EQ(*parse_authority("A.b:443"), (HostPort{"a.b", 443}));
  EXPECT_EQ(*parse_authority("a.b"), (HostPort{"a.b", 0}));
  EXPECT_EQ(*parse_authority("[2001:db8::1]:80"), (HostPort{"2001:db8::1", 80}));
  EXPECT_EQ(*parse_authority("a.b:65535"), (HostPort{"a.b", 65535}));
  for (const auto* text :
       {"a.b:", "a.b:0", "a.b:65536", "a.b:65617", "a.b:4294967376", "a.b:-1", "a.b:+80", "a.b: 80",
        "a.b:80:80", "[2001:db8::1]80", ":80", "a.b:0x50"}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
}

TEST(HostName, AStarStandsForExactlyOneLabelAndOnlyTheFirst) {
  EXPECT_EQ(problem_of_pattern("*.example.org"), "");
  EXPECT_EQ(problem_of_pattern("2001:db8::1"), "");
  for (const auto* pattern : {"*", "*.", "*.org", "*.*.org", "a*.example.org", "**.example.org",
                              "*.11.0.0.1", "*example.org", "A.example.org"}) {
    EXPECT_NE(problem_of_pattern(pattern), "") << pattern;
  }
  EXPECT_TRUE(host_matches("*.example.org", "a.example.org"));
  for (const auto* host : {"example.org", "a.b.example.org", "aexample.org", ".example.org",
                           "a.example.org.evil.net"}) {
    EXPECT_FALSE(host_matches("*.example.org", host)) << host;
  }
  EXPECT_TRUE(host_matches("a.example.org", "a.example.org"));
  EXPECT_FALSE(host_matches("a.example.org", "evil-a.example.org"));
}

}  // namespace
}  // namespace caisson
