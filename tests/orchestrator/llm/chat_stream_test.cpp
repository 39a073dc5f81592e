#include "orchestrator/llm/chat_stream.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/orchestrator/llm/stream_cases.h"

namespace caisson {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// Feeds `stream` in pieces that end at `cuts`. The deltas must add up to the result.
ChatResult play(std::string_view stream, const std::vector<std::size_t>& cuts) {
  Delta sum;
  ChatStream chat([&](const Delta& delta) {
    sum.content += delta.content;
    sum.reasoning += delta.reasoning;
    return Reading::go_on;
  });
  std::size_t from = 0;
  for (const std::size_t cut : cuts) {
    chat.feed(stream.substr(from, cut - from));
    from = cut;
  }
  chat.feed(stream.substr(from));
  chat.end();
  ChatResult result = chat.result();
  EXPECT_EQ(sum.content, result.content);
  EXPECT_EQ(sum.reasoning, result.reasoning);
  return result;
}

std::vector<std::size_t> every_byte(std::string_view stream) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < stream.size(); ++i) cuts.push_back(i);
  return cuts;
}

json described(const ChatResult& result) {
  return {
      {"content", result.content},       {"reasoning", result.reasoning},
      {"refusal", result.refusal},       {"finish", result.finish ? json(*result.finish) : json()},
      {"usage", result.usage},           {"error", result.error},
      {"outcome", name(result.outcome)}, {"bad_events", result.bad_events}};
}

void expect_under_every_split(const std::string& stream, const json& expected) {
  EXPECT_EQ(described(play(stream, {})), expected);
  EXPECT_EQ(described(play(stream, every_byte(stream))), expected) << "byte by byte";
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    const json got = described(play(stream, {cut}));
    if (got != expected) {
      ADD_FAILURE() << "cut at " << cut << ": " << got << "\nexpected " << expected;
      return;
    }
  }
}

void expect_corner_cases(const char* table) {
  const auto cases = test::load_streams(table);
  ASSERT_FALSE(cases.empty()) << table;
  for (const auto& example : cases) {
    SCOPED_TRACE(example.name);
    expect_under_every_split(example.stream, example.expected);
  }
}

TEST(ChatStream, CornerCasesUnderEverySplit) {
  expect_corner_cases("corner.jsonl");
}

TEST(ChatStream, MoreCornerCasesUnderEverySplit) {
  expect_corner_cases("corner_more.jsonl");
}

std::string sha256(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    constexpr const char* digits = "0123456789abcdef";
    hex += digits[digest[i] >> 4U];
    hex += digits[digest[i] & 15U];
  }
  return hex;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// What the manifest says of a recording.
json summary(const ChatResult& result) {
  json all = described(result);
  all["content_len"] = characters(result.content);
  all["content_sha256"] = sha256(result.content);
  all["reasoning_len"] = characters(result.reasoning);
  return all;
}

TEST(ChatStream, RecordingsOfRealProvidersUnderAnySplit) {
  const char* set = std::getenv("CAISSON_TEST_DATA");
  const fs::path data =
      set != nullptr ? fs::path(set) : fs::path(CAISSON_SOURCE_DIR).parent_path() / "shared/data";
  if (!fs::exists(data / "sse/manifest.json")) {
    GTEST_SKIP() << "the recorded streams are not here: set CAISSON_TEST_DATA, or put them at "
                 << data;
  }
  std::mt19937 random(20240607);
  for (const json& recording : json::parse(read(data / "sse/manifest.json"))) {
    SCOPED_TRACE(recording["file"].get<std::string>());
    const std::string stream = read(data / "sse" / recording["file"].get<std::string>());
    ASSERT_EQ(stream.size(), recording["bytes"].get<std::size_t>());
    std::vector<std::vector<std::size_t>> splits = {{}, every_byte(stream)};
    for (int i = 0; i < 8; ++i) {
      std::vector<std::size_t> cuts;
      std::uniform_int_distribution<std::size_t> step(1, i % 2 == 0 ? 40 : 2000);
      for (std::size_t at = step(random); at < stream.size(); at += step(random))
        cuts.push_back(at);
      splits.push_back(std::move(cuts));
    }
    for (const auto& cuts : splits) {
      const json got = summary(play(stream, cuts));
      for (const auto& [key, value] : recording["expect"].items()) {
        EXPECT_EQ(got[key], value) << key << ", in " << cuts.size() + 1 << " pieces";
      }
    }
  }
}

std::string event(const json& delta) {
  return "data: " + json{{"choices", {{{"index", 0}, {"delta", delta}}}}}.dump() + "\n\n";
}

TEST(ChatStream, NothingIsTakenAfterTheReaderHasReadEnough) {
  int calls = 0;
  ChatStream chat([&](const Delta& delta) {
    ++calls;
    return delta.content == "b" ? Reading::enough : Reading::go_on;
  });
  EXPECT_EQ(
      chat.feed(event({{"content", "a"}}) + event({{"content", "b"}}) + event({{"content", "c"}})),
      Reading::enough);
  EXPECT_EQ(chat.feed(event({{"content", "d"}})), Reading::enough);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(chat.result().content, "ab");
}

TEST(ChatStream, ToolCallsArePutTogetherFromTheirPieces) {
  const auto piece = [](json call) { return event({{"tool_calls", {std::move(call)}}}); };
  const std::string stream =
      piece({{"index", 1}, {"id", "x"}, {"function", {{"name", "execute"}, {"arguments", ""}}}}) +
      piece({{"index", 1}, {"function", {{"arguments", "{\"a\":"}}}}) +
      piece({{"index", 2}, {"id", "y"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}}) +
      piece({{"index", 1}, {"function", {{"arguments", "1}"}}}});
  const auto calls = play(stream, every_byte(stream)).tool_calls;
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].id, "x");
  EXPECT_EQ(calls[0].name, "execute");
  EXPECT_EQ(calls[0].arguments, "{\"a\":1}");
  EXPECT_EQ(calls[1].name, "f");
}

TEST(ChatStream, ToolCallsWithoutAnIndexAreToldApartByTheirIds) {
  const auto piece = [](json call) { return event({{"tool_calls", {std::move(call)}}}); };
  const std::string stream =
      piece({{"id", "x"},
             {"function", {{"name", "f"}, {"arguments", "{}"}}},
             {"extra_content", {{"google", {{"thought_signature", "s"}}}}}}) +
      piece({{"id", "y"}, {"function", {{"name", "g"}, {"arguments", "{"}}}}) +
      piece({{"function", {{"arguments", "}"}}}});
  const auto calls = play(stream, {}).tool_calls;
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].extra_content["google"]["thought_signature"], "s");
  EXPECT_EQ(calls[1].arguments, "{}");
}

TEST(ChatStream, AnEventBeyondTheLimitIsAnErrorInTheStream) {
  ChatStream chat(nullptr);
  const std::string mebibyte(1U << 20U, 'x');
  chat.feed("data: ");
  for (int i = 0; i < 9; ++i) chat.feed(mebibyte);
  EXPECT_TRUE(chat.failed());
  EXPECT_EQ(chat.result().outcome, StreamOutcome::error_in_stream);
}

TEST(ChatStream, AReplyBeyondTheLimitIsAnErrorInTheStream) {
  ChatStream chat(nullptr, 10);
  chat.feed(event({{"content", "0123456"}}));
  EXPECT_FALSE(chat.failed());
  EXPECT_EQ(chat.feed(event({{"reasoning", "0123456"}})), Reading::go_on);
  EXPECT_TRUE(chat.failed());
}

TEST(ChatStream, TypesThatNobodyExpectsDoNoHarm) {
  const std::string stream =
      "data: {\"choices\": {}}\n\ndata: {\"choices\": [1, null, \"x\", []]}\n\n"
      "data: {\"choices\": [{\"delta\": \"x\", \"index\": null}]}\n\n"
      "data: {\"choices\": [{\"delta\": {\"content\": 7, \"tool_calls\": [3, {\"function\": "
      "1}]}}]}\n\n"
      "data: 3\n\ndata: null\n\ndata: {\"usage\": 1, \"choices\": null}\n\n"
      "data: {\"choices\": [{\"delta\": {\"content\": [1, {\"type\": \"text\", \"text\": "
      "2}]}}]}\n\n" +
      event({{"content", "fine"}}) + "data: [DONE]\n\n";
  const ChatResult result = play(stream, every_byte(stream));
  EXPECT_EQ(result.content, "fine");
  EXPECT_EQ(result.outcome, StreamOutcome::ok_no_finish);
  EXPECT_EQ(result.bad_events, 2U);
}

TEST(ChatStream, AWholeCompletionIsReadLikeAStream) {
  ChatStream chat(nullptr);
  chat.feed_whole(
      R"({"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"total_tokens":3}})");
  EXPECT_EQ(chat.result().content, "Hi");
  EXPECT_EQ(chat.result().outcome, StreamOutcome::ok);
}

}  // namespace
}  // namespace caisson
