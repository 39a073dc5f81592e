#include "orchestrator/llm/openai.h"

#include <gtest/gtest.h>

#include "tests/orchestrator/llm/conversation.h"

namespace caisson {
namespace {

using namespace test;

TEST(OpenAi, ABreakBeforeTheFirstWordIsAskedForAgain) {
  HttpAnswer no_answer;
  no_answer.framing = HttpAnswer::Framing::nothing;
  no_answer.end = HttpAnswer::End::break_off;
  HttpAnswer only_head = event_stream({": waiting\n\n"});
  only_head.end = HttpAnswer::End::break_off;
  Conversation chat;
  const auto reply = chat.ask({no_answer, only_head, hello()});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->content, "Hello");
  ASSERT_EQ(chat.requests.size(), 3U);
  EXPECT_EQ(chat.requests[0].headers["idempotency-key"],
            chat.requests[2].headers["idempotency-key"]);
  EXPECT_EQ(chat.waits, (std::vector<Millis>{500ms, 1000ms}));
}

TEST(OpenAi, ARateLimitIsWaitedForAsLongAsTheServerSays) {
  Conversation chat;
  HttpAnswer busy = body(429, "application/json", R"({"error":{"message":"slow down"}})");
  busy.headers.emplace_back("Retry-After", "7");
  const auto reply = chat.ask({busy, hello()});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(chat.waits, (std::vector<Millis>{7s}));
}

TEST(OpenAi, AServerErrorIsAskedAgainTwiceAndThenTold) {
  Conversation chat;
  const HttpAnswer broken =
      body(503, "application/json", R"({"error":{"message":"Loading model"}})");
  expect_error(chat.ask({broken, broken, broken, hello()}), Errc::unavailable,
               {"/v1/chat/completions", "503", "Loading model", "Asked 3 times"});
  EXPECT_EQ(chat.requests.size(), 3U);
}

TEST(OpenAi, AWaitBeyondTheDeadlineIsNotBegun) {
  Conversation chat;
  HttpAnswer busy = body(429, "application/json", R"({"error":{"message":"slow down"}})");
  busy.headers.emplace_back("Retry-After", "60");
  expect_error(chat.ask({busy, hello()}), Errc::rate_limited, {"slow down"});
  EXPECT_EQ(chat.requests.size(), 1U);
}

TEST(OpenAi, AnEmptyAccountIsNotAskedAgain) {
  Conversation chat;
  HttpAnswer empty = body(429, "application/json",
                          R"({"error":{"message":"You exceeded…","code":"insufficient_quota"}})");
  empty.headers.emplace_back("x-should-retry", "true");
  expect_error(chat.ask({empty, hello()}), Errc::rate_limited, {"quota", "billing"});
  EXPECT_EQ(chat.requests.size(), 1U);
}

TEST(OpenAi, AWrongKeyIsToldWithoutRepeatingIt) {
  Conversation chat;
  expect_error(chat.ask({body(401, "application/json",
                              R"({"error":{"message":"Incorrect API key: sk-secret"}})")}),
               Errc::unauthorized, {"OPENAI_API_KEY", "Incorrect API key: ***", "401"});
}

TEST(OpenAi, APageInsteadOfAStreamIsShown) {
  Conversation chat;
  expect_error(chat.ask({body(200, "text/html", "\n<!DOCTYPE html>\n<title>Login</title>")}),
               Errc::protocol,
               {"/v1/chat/completions", "text/html", "<!DOCTYPE html>", "--base-url"});
  EXPECT_EQ(chat.requests.size(), 1U);
}

TEST(OpenAi, AnEndlessPageIsNotReadToItsEnd) {
  Conversation chat;
  HttpAnswer page = body(200, "text/html", "<html>\n" + std::string(1U << 20U, 'x'));
  page.framing = HttpAnswer::Framing::until_close;
  page.end = HttpAnswer::End::hang;
  expect_error(chat.ask({page}), Errc::protocol, {"<html>"});
}

TEST(OpenAi, AJsonErrorWithStatus200IsAnError) {
  Conversation chat;
  expect_error(
      chat.ask({body(200, "application/json", R"({"error":{"message":"no such thing"}})")}),
      Errc::protocol, {"no such thing"});
}

TEST(OpenAi, AStreamOfSomethingElseIsShown) {
  Conversation chat;
  expect_error(chat.ask({event_stream({"data: hello\x1b[2J there\n\n", "data: <p>\n\n"})}),
               Errc::protocol, {"hello [2J there"});
}

TEST(OpenAi, AnErrorInsideTheStreamIsAnError) {
  Conversation chat;
  expect_error(
      chat.ask({event_stream({content("Hel"), "data: {\"error\": \"model crashed\"}\n\n"})}),
      Errc::protocol, {"model crashed"});
}

TEST(OpenAi, AnErrorInsideTheStreamBeforeTheFirstWordIsAskedAgain) {
  Conversation chat;
  const auto reply =
      chat.ask({event_stream({"data: {\"error\": {\"code\": 502, \"message\": \"upstream\"}}\n\n"}),
                hello()});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->content, "Hello");
}

TEST(OpenAi, AServerThatDoesNotKnowStreamOptionsIsAskedWithoutThem) {
  Conversation chat;
  const auto reply =
      chat.ask({body(400, "application/json",
                     R"({"error":{"message":"Unrecognized request argument: stream_options"}})"),
                hello()});
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_EQ(chat.requests.size(), 2U);
  EXPECT_FALSE(json::parse(chat.requests[1].body).contains("stream_options"));
  EXPECT_TRUE(chat.waits.empty());
}

TEST(OpenAi, AConversationThatIsTooLongIsToldApart) {
  Conversation chat;
  expect_error(chat.ask({body(
                   400, "application/json",
                   R"({"error":{"message":"This model's maximum context length is 8 tokens"}})")}),
               Errc::too_large, {"too long", "maximum context length"});
}

TEST(OpenAi, ARedirectIsNamedAndNotFollowed) {
  Conversation chat;
  HttpAnswer moved = body(308, "text/plain", "moved");
  moved.headers.emplace_back("Location", "https://elsewhere.example.org/v1");
  expect_error(chat.ask({moved}), Errc::bad_input,
               {"https://elsewhere.example.org/v1", "--base-url"});
}

TEST(OpenAi, TheDeadlineHoldsForTheWholeAnswer) {
  Conversation chat;
  chat.deadline = Deadline::after(50ms);
  HttpAnswer answer = event_stream({content("Hel")});
  answer.end = HttpAnswer::End::hang;
  expect_error(chat.ask({answer, hello()}), Errc::timed_out, {"took too long"});
  EXPECT_EQ(chat.requests.size(), 1U);
}

TEST(OpenAi, ARefusedConnectionSaysWhatToCheck) {
  Conversation chat;
  boost::asio::io_context loop;
  std::string address;
  {
    HttpServer nobody(loop.get_executor(), {});
    address = nobody.url();
  }
  chat.settings.base_url = address + "/v1";
  auto model = OpenAiModel::make(chat.settings);
  ASSERT_TRUE(model);
  const auto reply = test::run_coro((*model)->complete(chat.request, chat.deadline, chat.reader));
  expect_error(reply, Errc::unavailable,
               {address, "Is the model server running?", "--base-url", "Asked 3 times"});
}

TEST(OpenAi, AnAddressThatIsNoneIsToldBeforeAnythingIsAsked) {
  for (const char* address : {"localhost:8000", "", "ftp://x.example.org", "http://",
                              "https://me:secret@x.example.org/v1"}) {
    OpenAiSettings settings;
    settings.base_url = address;
    const auto model = OpenAiModel::make(settings);
    ASSERT_FALSE(model) << address;
    EXPECT_EQ(model.error().code, Errc::bad_input);
    EXPECT_NE(model.error().message.find("--base-url"), std::string::npos) << model.error().message;
    EXPECT_EQ(model.error().message.find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace caisson
