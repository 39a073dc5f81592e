#include "sandbox/policy/url_path.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(UrlPath, IsWhatEveryServerReads) {
  EXPECT_EQ(plain_path("/simple/x"), "/simple/x");
  EXPECT_EQ(plain_path("/%73imple/x?a=../b"), "/simple/x");
  EXPECT_EQ(plain_path("/a%20b"), "/a%20b");
  EXPECT_EQ(plain_path("/"), "/");
  EXPECT_EQ(plain_path("/a/"), "/a/");
  EXPECT_EQ(plain_path("/..a/b..c/..."), "/..a/b..c/...");
}

TEST(UrlPath, NothingThatTwoServersMayReadDifferently) {
  for (const auto* target :
       {"",      "simple", "/a/../b",     "/a/..",     "/..",      "/./a",   "/a/.",
        "/a//b", "//a",    "/a/%2e%2e/b", "/a/.%2E/b", "/a%2fb",   "/a%2Fb", "/a%5cb",
        "/a\\b", "/a%00b", "/a%0ab",      "/a%252e",   "/a%",      "/a%2",   "/a%zz",
        "/a b",  "/a\x7f", "/a\xc3\xa4",  "/a/..;x/b", "/a/..;/b", "/a%3b",  "/a#b"}) {
    EXPECT_EQ(plain_path(target), std::nullopt) << target;
  }
}

TEST(UrlPath, AStarStaysInItsPartAndTwoDoNot) {
  EXPECT_TRUE(path_matches("/simple/**", "/simple/"));
  EXPECT_TRUE(path_matches("/simple/**", "/simple/a/b"));
  EXPECT_FALSE(path_matches("/simple/**", "/simple"));
  EXPECT_FALSE(path_matches("/simple/**", "/simpler/a"));
  EXPECT_TRUE(path_matches("/*/a", "/x/a"));
  EXPECT_FALSE(path_matches("/*/a", "/x/y/a"));
  EXPECT_TRUE(path_matches("/**/a", "/x/y/a"));
  EXPECT_TRUE(path_matches("/v*/x*y", "/v1/xaybzy"));
  EXPECT_FALSE(path_matches("/v*/x*y", "/v1/xa/y"));
  EXPECT_TRUE(path_matches("/**/b*/c", "/a/b/x/b1/c"));
  EXPECT_TRUE(path_matches("/a", "/a"));
  EXPECT_FALSE(path_matches("/a", "/a/"));
  EXPECT_FALSE(path_matches("/a/", "/a"));
  EXPECT_TRUE(path_matches("**", "/anything/at/all"));
}

}  // namespace
}  // namespace caisson
