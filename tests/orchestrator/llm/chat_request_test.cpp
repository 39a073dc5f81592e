#include "orchestrator/llm/chat_request.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(ChatRequest, TheAddressOfCompletionsFollowsTheBase) {
  const std::pair<const char*, const char*> table[] = {
      {"https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"},
      {"http://localhost:8000/v1/", "http://localhost:8000/v1/chat/completions"},
      {"http://localhost:8000", "http://localhost:8000/chat/completions"},
      {"https://g.example.org/v1beta/openai/",
       "https://g.example.org/v1beta/openai/chat/completions"},
      {"https://a.example.org/openai/deployments/d?api-version=2024-06-01",
       "https://a.example.org/openai/deployments/d/chat/completions?api-version=2024-06-01"},
      {"https://x.example.org/v1/chat/completions", "https://x.example.org/v1/chat/completions"},
      {"http://[::1]:8080/v1#top", "http://[::1]:8080/v1/chat/completions"},
  };
  for (const auto& [base, expected] : table) {
    const auto url = completions_url(base);
    ASSERT_TRUE(url) << base;
    EXPECT_EQ(*url, expected);
  }
}

TEST(ChatRequest, AnAddressWithoutASchemeIsRefusedWithAnExample) {
  const auto url = completions_url("localhost:8000/v1");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, Errc::bad_input);
  EXPECT_NE(url.error().message.find("http://localhost:8000/v1"), std::string::npos);
}

TEST(ChatRequest, RolesAreMergedForStrictTemplates) {
  const std::vector<Message> messages = {
      {Role::user, "a"},      {Role::system, "s"}, {Role::user, "b"},      {Role::assistant, ""},
      {Role::assistant, "c"}, {Role::system, "t"}, {Role::assistant, "d"}, {Role::user, "e"}};
  const std::vector<Message> expected = {{Role::system, "s\n\nt"},
                                         {Role::user, "a\n\nb"},
                                         {Role::assistant, "c\n\nd"},
                                         {Role::user, "e"}};
  EXPECT_EQ(merge_roles(messages), expected);
}

TEST(ChatRequest, TextThatIsNotUtf8DoesNotBreakTheBody) {
  Request request;
  request.messages = {{Role::user, "a\xFFz"}};
  request.temperature = 0.0;
  const auto body = nlohmann::json::parse(request_body(request, BodyOptions()));
  EXPECT_EQ(body["messages"][0]["content"], "a\uFFFDz");
  EXPECT_EQ(body["temperature"], 0.0);
  EXPECT_FALSE(body.contains("max_tokens"));
}

}  // namespace
}  // namespace caisson
