#include "orchestrator/llm/provider_error.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

const Asked asked{"http://h/v1/chat/completions", "m", Asked::Key::none};

Explained explain(unsigned status, std::string body) {
  Refusal refusal;
  refusal.status = status;
  refusal.body = std::move(body);
  return explain_refusal(asked, refusal);
}

TEST(ProviderError, TheMessageIsFoundInEveryShapeOfBody) {
  const std::pair<const char*, const char*> table[] = {
      {R"({"error":{"message":"no","type":"t","param":null,"code":"c"}})", "no"},
      {R"({"error":"no"})", "no"},
      {R"([{"error":{"code":400,"message":"no"}}])", "no"},
      {R"({"object":"error","message":"no","code":40303})", "no"},
      {R"({"detail":"no"})", "no"},
      {R"({"detail":[{"loc":["body","messages",0],"msg":"field required"}]})",
       "body.messages.0: field required"},
      {R"({"error":{"type":"t"},"message":"no"})", "no"},
      {R"({"error":null,"message":"no."})", "no"},
      {"  \r\n<html>\n<body>", "<html>"},
      {"upstream \x1b[31mbroken\n", "upstream  [31mbroken"},
      {R"({"odd":1})", R"({"odd":1})"},
      {"", ""},
  };
  for (const auto& [body, message] : table) {
    EXPECT_EQ(read_error_body(body).message, message) << body;
  }
}

TEST(ProviderError, AVeryLongMessageIsCutAtACharacter) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "好";
  const std::string message = read_error_body(text).message;
  EXPECT_LT(message.size(), 510U);
  EXPECT_TRUE(message.ends_with("好…"));
}

TEST(ProviderError, EachStatusHasItsAdvice) {
  struct Row {
    unsigned status;
    const char* body;
    Errc code;
    const char* part;
  };
  const Row table[] = {
      {400, R"({"error":{"message":"bad top_p"}})", Errc::bad_input, "bad top_p"},
      {401, "", Errc::unauthorized, "Set OPENAI_API_KEY"},
      {403, "", Errc::unauthorized, "403"},
      {404, R"({"error":"model not found"})", Errc::not_found, "no model 'm'"},
      {404, "", Errc::not_found, "--base-url"},
      {413, R"({"error":{"message":"Please reduce the length of the messages"}})", Errc::too_large,
       "too long"},
      {400, R"({"error":{"code":"context_length_exceeded","message":"x"}})", Errc::too_large, "x"},
      {400, R"({"error":{"message":"the request exceeds the available context size"}})",
       Errc::too_large, "context size"},
      {429, R"({"error":{"message":"rate"}})", Errc::rate_limited, "Try again later"},
      {429, R"({"error":{"type":"insufficient_quota","message":"q"}})", Errc::rate_limited,
       "billing"},
      {502, "<html>Bad Gateway</html>", Errc::unavailable, "Bad Gateway"},
      {302, "", Errc::bad_input, "redirects"},
      {200, "", Errc::protocol, "empty body"},
  };
  for (const Row& row : table) {
    const Error error = explain(row.status, row.body).error;
    EXPECT_EQ(error.code, row.code) << error.message;
    EXPECT_NE(error.message.find(row.part), std::string::npos) << error.message;
    EXPECT_TRUE(error.message.starts_with(asked.url)) << error.message;
  }
}

TEST(ProviderError, AQuotaIsNotARateLimit) {
  EXPECT_EQ(explain(429, R"({"error":{"message":"slow"}})").failure, Failure::may_pass);
  EXPECT_EQ(explain(429, R"({"error":{"code":"insufficient_quota"}})").failure, Failure::will_stay);
}

TEST(ProviderError, AnErrorInAStreamWithAStatusIsExplainedAsOne) {
  EXPECT_EQ(explain_stream_error(asked, {{"code", 429}, {"message", "x"}}).error.code,
            Errc::rate_limited);
  EXPECT_EQ(explain_stream_error(asked, {{"message", "x"}, {"status_code", 503}}).failure,
            Failure::may_pass);
  EXPECT_EQ(explain_stream_error(asked, {{"message", "prompt is too long"}}).error.code,
            Errc::too_large);
  EXPECT_EQ(explain_stream_error(asked, {{"message", "boom"}}).error.code, Errc::protocol);
}

}  // namespace
}  // namespace caisson
