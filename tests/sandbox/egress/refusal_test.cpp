#include "sandbox/egress/refusal.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace caisson {
namespace {

TEST(Refusal, IsAWholeResponseThatExplainsItself) {
  const auto text = response_of(
      {403, "denied_host", "GET a.b:80", "network.egress.allow (mine.yaml:7)", "Only \"c.d\"."});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 403 Forbidden\r\n")) << text;
  const auto body = text.substr(text.find("\r\n\r\n") + 4);
  EXPECT_NE(text.find("Content-Length: " + std::to_string(body.size()) + "\r\n"), text.npos);
  const auto json = nlohmann::json::parse(body);
  EXPECT_EQ(json["denied"], "denied_host");
  EXPECT_EQ(json["line"], "mine.yaml:7");
  EXPECT_EQ(json["rule"], "network.egress.allow (mine.yaml:7)");
  EXPECT_EQ(json["hint"], "Only \"c.d\".");
}

}  // namespace
}  // namespace caisson
