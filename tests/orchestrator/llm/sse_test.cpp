#include "orchestrator/llm/sse.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

std::vector<SseEvent> parse(std::string_view bytes, std::size_t cut = std::string_view::npos) {
  SseParser parser;
  std::vector<SseEvent> events;
  parser.feed(bytes.substr(0, cut), events);
  if (cut < bytes.size()) parser.feed(bytes.substr(cut), events);
  parser.end(events);
  return events;
}

TEST(Sse, EverySplitGivesTheSameEvents) {
  const std::string stream =
      "\xEF\xBB\xBF: hello\rdata: a\r\ndata:b\n\r\n\n\revent: error\rdata: \xE2\x80\xA8x\r\rid: "
      "7\nfoo\n\ndata\n\n"
      "error: {}\ndata:  two spaces\ndata: [DONE]";
  const std::vector<SseEvent> expected = {{"message", "a\nb"},
                                          {"error", "\u2028x"},
                                          {"message", ""},
                                          {"error", "{}"},
                                          {"message", " two spaces\n[DONE]"}};
  EXPECT_EQ(parse(stream), expected);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    EXPECT_EQ(parse(stream, cut), expected) << "cut at " << cut;
  }
}

TEST(Sse, OneByteAtATime) {
  SseParser parser;
  std::vector<SseEvent> events;
  for (const char byte : std::string_view(":\r\n\r\ndata: x\r\n: ping\r\ndata: y\r\n\r\n")) {
    parser.feed(std::string_view(&byte, 1), events);
  }
  EXPECT_EQ(events, (std::vector<SseEvent>{{"message", "x\ny"}}));
  EXPECT_EQ(parser.comments(), 2U);
}

TEST(Sse, AnEventNameHoldsForOneEventOnly) {
  const std::vector<SseEvent> expected = {{"ping", "1"}, {"message", "2"}};
  EXPECT_EQ(parse("event: ping\ndata: 1\n\ndata: 2\n\nevent: lost\n\n"), expected);
}

TEST(Sse, UnicodeLineSeparatorsAreText) {
  const std::vector<SseEvent> expected = {{"message", "a\u2028b\u2029c\u0085d"}};
  EXPECT_EQ(parse("data: a\u2028b\u2029c\u0085d\n\n"), expected);
}

TEST(Sse, AnEndlessLineIsRefusedAndForgotten) {
  SseParser parser(100);
  std::vector<SseEvent> events;
  for (int i = 0; i < 20; ++i) parser.feed("data: 0123", events);
  EXPECT_TRUE(parser.too_large());
  parser.feed("\n\ndata: x\n\n", events);
  parser.end(events);
  EXPECT_TRUE(events.empty());
}

TEST(Sse, EndlessDataLinesAreRefusedToo) {
  SseParser parser(100);
  std::vector<SseEvent> events;
  for (int i = 0; i < 20; ++i) parser.feed("data: 0123456789\n", events);
  EXPECT_TRUE(parser.too_large());
}

}  // namespace
}  // namespace caisson
