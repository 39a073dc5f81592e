#include "orchestrator/llm/openai.h"

#include <gtest/gtest.h>

#include "tests/orchestrator/llm/conversation.h"
#include "tests/orchestrator/llm/stream_cases.h"

namespace caisson {
namespace {

using namespace test;

TEST(OpenAi, AStreamArrivesDeltaByDelta) {
  Conversation chat;
  const auto usage =
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n";
  const auto reply =
      chat.ask({event_stream({content("Hel"), content("lo"), finish("stop"), usage, done})});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->content, "Hello");
  EXPECT_EQ(reply->end, ReplyEnd::finished);
  EXPECT_EQ(reply->finish_reason, "stop");
  EXPECT_EQ(reply->usage.prompt, 9U);
  EXPECT_EQ(reply->usage.completion, 2U);
  EXPECT_FALSE(reply->usage.estimated);
  ASSERT_EQ(chat.deltas.size(), 2U);
  EXPECT_EQ(chat.deltas[1].content, "lo");
}

TEST(OpenAi, TheRequestSaysWhatWasConfiguredAndNoMore) {
  Conversation chat;
  chat.request.max_tokens = 7;
  chat.settings.extra_body = {{"top_p", 0.5}};
  ASSERT_TRUE(chat.ask({hello()}));
  ASSERT_EQ(chat.requests.size(), 1U);
  auto& seen = chat.requests[0];
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/v1/chat/completions");
  EXPECT_EQ(seen.headers["authorization"], "Bearer sk-secret");
  EXPECT_EQ(seen.headers["accept"], "text/event-stream");
  EXPECT_EQ(seen.headers["accept-encoding"], "identity");
  EXPECT_FALSE(seen.headers["idempotency-key"].empty());
  const json expected = {
      {"model", "m"},
      {"stream", true},
      {"stream_options", {{"include_usage", true}}},
      {"max_tokens", 7},
      {"top_p", 0.5},
      {"messages",
       {{{"role", "system"}, {"content", "Be brief."}}, {{"role", "user"}, {"content", "Hi"}}}}};
  EXPECT_EQ(json::parse(seen.body), expected);
}

TEST(OpenAi, WithoutAKeyNoneIsSent) {
  Conversation chat;
  chat.settings.api_key.clear();
  ASSERT_TRUE(chat.ask({hello()}));
  EXPECT_EQ(chat.requests[0].headers.count("authorization"), 0U);
}

TEST(OpenAi, ReadingEnoughClosesTheConnection) {
  Conversation chat;
  chat.reader = [](const Delta& delta) {
    return delta.content == "b" ? Reading::enough : Reading::go_on;
  };
  HttpAnswer endless = event_stream({content("a"), content("b") + content("c")});
  endless.end = HttpAnswer::End::hang;
  const auto reply = chat.ask({endless});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->end, ReplyEnd::stopped);
  EXPECT_EQ(reply->content, "ab");
  EXPECT_TRUE(reply->usage.estimated);
  EXPECT_GT(reply->usage.prompt, 0U);
  EXPECT_EQ(chat.closed_by_client, 1);
}

TEST(OpenAi, TheEndMarkIsTheEndEvenWhenTheServerHangs) {
  Conversation chat;
  HttpAnswer answer = hello();
  answer.end = HttpAnswer::End::hang;
  const auto reply = chat.ask({answer});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->end, ReplyEnd::finished);
  EXPECT_EQ(chat.closed_by_client, 1);
}

TEST(OpenAi, AnAnswerThatBreaksOffIsTruncatedAndNotAskedForAgain) {
  Conversation chat;
  HttpAnswer answer = event_stream({content("Hel"), "data: {\"cho"});
  answer.end = HttpAnswer::End::break_off;
  const auto reply = chat.ask({answer, hello()});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->end, ReplyEnd::truncated);
  EXPECT_EQ(reply->content, "Hel");
  EXPECT_NE(reply->problem.find("broke off"), std::string::npos) << reply->problem;
  EXPECT_EQ(chat.requests.size(), 1U);
}

TEST(OpenAi, AStreamWithoutAnyEndMarkIsTruncated) {
  Conversation chat;
  const auto reply = chat.ask({event_stream({content("Hel")})});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->end, ReplyEnd::truncated);
}

TEST(OpenAi, ABreakAfterTheFinishReasonLosesNothing) {
  Conversation chat;
  HttpAnswer answer = event_stream({content("Hello"), finish("stop")});
  answer.end = HttpAnswer::End::break_off;
  const auto reply = chat.ask({answer});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->end, ReplyEnd::finished);
}

TEST(OpenAi, TheTokenLimitIsTold) {
  Conversation chat;
  const auto reply = chat.ask({event_stream({content("Hel"), finish("length"), done})});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->end, ReplyEnd::length);
}

TEST(OpenAi, AWholeCompletionInsteadOfAStreamIsTaken) {
  Conversation chat;
  const auto reply = chat.ask({body(200, "application/json",
                                    "{\n  \"choices\": [{\"message\": {\"content\": \"Hello\"}, "
                                    "\"finish_reason\": \"stop\"}],\n \"usage\": "
                                    "{\"prompt_tokens\": 1, \"completion_tokens\": 1}}")});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->content, "Hello");
  EXPECT_EQ(reply->end, ReplyEnd::finished);
  EXPECT_EQ(chat.deltas.size(), 1U);
}

TEST(OpenAi, AStreamWithTheWrongContentTypeIsStillAStream) {
  Conversation chat;
  HttpAnswer answer = hello();
  answer.headers = {{"Content-Type", "application/json"}};
  const auto reply = chat.ask({answer});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->content, "Hello");
}

TEST(OpenAi, SilenceInTheMiddleIsABreak) {
  Conversation chat;
  chat.settings.timeouts.idle = 30ms;
  HttpAnswer answer = event_stream({content("Hel")});
  answer.end = HttpAnswer::End::hang;
  const auto reply = chat.ask({answer, hello()});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->end, ReplyEnd::truncated);
  EXPECT_EQ(chat.closed_by_client, 1);
}

TEST(OpenAi, CommentsAreASignOfLife) {
  Conversation chat;
  chat.settings.timeouts.idle = 400ms;
  HttpAnswer slow = event_stream({": ping\n\n", ":\n", ": ping\n\n", ":\n", ":\n", ":\n",
                                  content("Hello") + finish("stop") + done});
  slow.before_each = 80ms;  // together more than the limit
  const auto reply = chat.ask({slow});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->content, "Hello");
}

TEST(OpenAi, AKeyWithALineEndIsTrimmedAndOneWithALineBreakRefused) {
  Conversation chat;
  chat.settings.api_key = "sk-secret\n";
  ASSERT_TRUE(chat.ask({hello()}));
  EXPECT_EQ(chat.requests[0].headers["authorization"], "Bearer sk-secret");
  chat.settings.api_key = "sk\r\nX-Evil: 1";
  chat.settings.base_url = "http://localhost/v1";
  const auto model = OpenAiModel::make(chat.settings);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Errc::bad_input);
}

TEST(OpenAi, AModelMayThinkForManyComments) {
  Conversation chat;
  std::string comments;
  while (comments.size() < 300'000) comments += ": OPENROUTER PROCESSING\n\n";
  const auto reply = chat.ask({event_stream({comments, content("Hello") + finish("stop") + done})});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->content, "Hello");
}

TEST(OpenAi, CancellingClosesTheConnection) {
  boost::asio::io_context loop(1);
  HttpAnswer answer = event_stream({content("Hel")});
  answer.end = HttpAnswer::End::hang;
  HttpServer server(loop.get_executor(), {answer});
  OpenAiSettings settings;
  settings.base_url = server.url();
  auto model = OpenAiModel::make(settings);
  ASSERT_TRUE(model);
  const auto scene = [](HttpServer& served, Model& asked) -> asio::awaitable<bool> {
    Nursery nursery(co_await asio::this_coro::executor);
    nursery.start(served.serve());
    auto reader = [](const Delta&) { return Reading::go_on; };
    auto cancelled = co_await with_timeout(
        asked.complete(Request(), Deadline::after(20s), std::move(reader)), Deadline::after(50ms));
    co_return !cancelled && co_await with_timeout(nursery.join(), Deadline::after(10s));
  };
  EXPECT_TRUE(test::run_coro(loop, scene(server, **model)));
  EXPECT_EQ(server.closed_by_client(), 1);
}

// The streams of chat_stream_test.cpp once more, in small chunks through a socket.
TEST(OpenAi, CornerCasesOverTheWire) {
  for (const char* table : {"corner.jsonl", "corner_more.jsonl"}) {
    const auto cases = test::load_streams(table);
    ASSERT_FALSE(cases.empty()) << table;
    for (const auto& example : cases) {
      SCOPED_TRACE(example.name);
      std::vector<std::string> pieces;
      for (std::size_t at = 0; at < example.stream.size(); at += 7) {
        pieces.push_back(example.stream.substr(at, 7));
      }
      Conversation chat;
      const HttpAnswer answer = event_stream(pieces);
      const auto reply = chat.ask({answer, answer, answer});
      const json& expected = example.expected;
      const auto outcome = expected["outcome"].get<std::string>();
      if (outcome == "error_in_stream" ||
          (!outcome.starts_with("ok") && expected["content"] == "")) {
        EXPECT_FALSE(reply) << reply->content;
        continue;
      }
      ASSERT_TRUE(reply) << reply.error().message;
      EXPECT_EQ(json(reply->content), expected["content"]);
      EXPECT_EQ(json(reply->reasoning), expected["reasoning"]);
      EXPECT_EQ(json(reply->refusal), expected["refusal"]);
      const auto end = !outcome.starts_with("ok")       ? ReplyEnd::truncated
                       : outcome == "ok_no_finish"      ? ReplyEnd::no_reason
                       : expected["finish"] == "length" ? ReplyEnd::length
                                                        : ReplyEnd::finished;
      EXPECT_EQ(reply->end, end);
    }
  }
}

}  // namespace
}  // namespace caisson
