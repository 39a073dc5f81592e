#include <gtest/gtest.h>

#include "sandbox/base/http_client.h"

namespace caisson {
namespace {

TEST(ParseUrl, KnowsSchemesPortsPathsAndAddresses) {
  const auto api = parse_url("https://api.example.org/v1/");
  ASSERT_TRUE(api);
  EXPECT_EQ(api->target.transport, HttpTarget::Transport::tls);
  EXPECT_EQ(api->target.description(), "api.example.org:443");
  EXPECT_EQ(api->path, "/v1");
  const auto local = parse_url("HTTP://[::1]:8080");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->target.transport, HttpTarget::Transport::tcp);
  EXPECT_EQ(local->target.host, "::1");
  EXPECT_EQ(local->target.description(), "[::1]:8080");
  const auto socket = parse_url("unix:///var/run/docker.sock");
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->target.unix_path, "/var/run/docker.sock");
}

TEST(ParseUrl, SaysWhatIsWrong) {
  for (const char* bad :
       {"", "api.example.org", "ftp://x", "http://", "http://x:0", "http://x:99999", "http://x:1a",
        "http://[::1", "http://u:p@x/", "http://a b/", "unix://x"}) {
    const auto url = parse_url(bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_EQ(url.error().code, Errc::bad_input);
    EXPECT_NE(url.error().message.find("not a usable URL"), std::string::npos) << bad;
  }
}

std::string proxy_for(const ProxySettings& settings, const char* url) {
  const auto proxy = choose_proxy(settings, parse_url(url)->target);
  if (!proxy) return "error: " + proxy.error().message;
  return *proxy ? (*proxy)->host + ":" + std::to_string((*proxy)->port) : "none";
}

TEST(ChooseProxy, FollowsTheSchemeOfTheTarget) {
  const ProxySettings settings{.http = "http://plain:3128", .https = "secure:3129", .no = ""};
  EXPECT_EQ(proxy_for(settings, "http://example.org"), "plain:3128");
  EXPECT_EQ(proxy_for(settings, "https://example.org"), "secure:3129");
  EXPECT_EQ(proxy_for({}, "https://example.org"), "none");
}

TEST(ChooseProxy, NeverForLoopback) {
  const ProxySettings settings{.http = "p:1", .https = "p:1", .no = ""};
  EXPECT_EQ(proxy_for(settings, "http://localhost:8000"), "none");
  EXPECT_EQ(proxy_for(settings, "http://127.0.0.1:8000"), "none");
  EXPECT_EQ(proxy_for(settings, "unix:///x"), "none");
}

TEST(ChooseProxy, KnowsWhatIsExcluded) {
  const ProxySettings settings{
      .http = "p:1", .https = "p:1", .no = "one.org, .two.org,*.three.org,four.org:8080"};
  EXPECT_EQ(proxy_for(settings, "http://one.org"), "none");
  EXPECT_EQ(proxy_for(settings, "http://api.ONE.org"), "none");
  EXPECT_EQ(proxy_for(settings, "http://notone.org"), "p:1");
  EXPECT_EQ(proxy_for(settings, "http://a.two.org"), "none");
  EXPECT_EQ(proxy_for(settings, "http://a.three.org"), "none");
  EXPECT_EQ(proxy_for(settings, "http://four.org:8080"), "none");
  EXPECT_EQ(proxy_for(settings, "http://four.org"), "p:1");
  EXPECT_EQ(proxy_for({.http = "p:1", .https = "", .no = "*"}, "http://x.org"), "none");
}

TEST(ChooseProxy, TakesALoginFromItsUrl) {
  const ProxySettings settings{.http = "http://user:p%40ss@p:1", .https = "", .no = ""};
  const auto proxy = choose_proxy(settings, parse_url("http://example.org")->target);
  ASSERT_TRUE(proxy && *proxy);
  EXPECT_EQ((*proxy)->authorization, "Basic dXNlcjpwQHNz");
}

TEST(ChooseProxy, RefusesAProxyOfAnotherKind) {
  const auto text =
      proxy_for({.http = "", .https = "socks5://p:1", .no = ""}, "https://example.org");
  EXPECT_NE(text.find("HTTPS_PROXY"), std::string::npos) << text;
}

}  // namespace
}  // namespace caisson
