#include "sandbox/egress/message.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using namespace std::string_literals;

Result<RequestHead> request(const std::string& line, const std::string& fields) {
  return parse_request(line + "\r\n" + fields + "\r\n");
}

std::string problem(const std::string& line, const std::string& fields) {
  const auto head = request(line, fields);
  if (!head) return head.error().message;
  if (const auto framing = framing_of(*head); !framing) return framing.error().message;
  const auto target = target_of(*head);
  return target ? "" : target.error().message;
}

TEST(Message, AHeadEndsWithAnEmptyLineWhateverPiecesItComesIn) {
  const auto text = "GET http://a.b/ HTTP/1.1\r\nHost: a.b\r\n\r\nrest"s;
  for (std::size_t size = 0; size < text.size() - 4; ++size) {
    EXPECT_EQ(head_size(std::string_view(text).substr(0, size)), std::nullopt) << size;
  }
  EXPECT_EQ(head_size(text), text.size() - 4);
}

TEST(Message, ARequestToAProxyHasItsParts) {
  const auto head = request("GET http://A.b:8080/x?y HTTP/1.1", "Host: a.B:8080\r\nX:  y \r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(*find_header(head->fields, "x"), "y");
  const auto target = target_of(*head);
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(target->host, "a.b");
  EXPECT_EQ(target->port, 8080);
  EXPECT_EQ(target->path, "/x?y");
  EXPECT_FALSE(target->tunnel);
  EXPECT_EQ(problem("CONNECT a.b:443 HTTP/1.1", "Host: a.b:443\r\n"), "");
  EXPECT_EQ(problem("CONNECT a.b:443 HTTP/1.1", "Host: a.b\r\n"), "");
  EXPECT_EQ(problem("CONNECT a.b:443 HTTP/1.0", ""), "");
  EXPECT_EQ(target_of(*request("GET http://a.b?x HTTP/1.1", "Host: a.b\r\n"))->path, "/?x");
}

TEST(Message, WhatTwoServersMayReadDifferentlyIsRefused) {
  const auto get = "GET http://a.b/ HTTP/1.1"s;
  const auto host = "Host: a.b\r\n"s;
  EXPECT_EQ(problem(get, host), "");
  for (const auto& line : {"GET  http://a.b/ HTTP/1.1"s,
                           "GET http://a.b/ HTTP/1.1 "s,
                           "GET\thttp://a.b/ HTTP/1.1"s,
                           "GET http://a.b/ HTTP/2.0"s,
                           "GET http://a.b/ http/1.1"s,
                           "GET http://a.b/"s,
                           "GET"s,
                           ""s,
                           "G@T http://a.b/ HTTP/1.1"s,
                           "GET http://a.b/\0 HTTP/1.1"s,
                           "GET http://a.b/ x HTTP/1.1"s,
                           "GET /x HTTP/1.1"s,
                           "GET a.b/ HTTP/1.1"s,
                           "GET https://a.b/ HTTP/1.1"s,
                           "GET ftp://a.b/ HTTP/1.1"s,
                           "GET http:///x HTTP/1.1"s,
                           "GET http://u@a.b/ HTTP/1.1"s,
                           "GET http://a.b/#x HTTP/1.1"s,
                           "GET http://a.b\\x/ HTTP/1.1"s,
                           "GET http://a.b\n/ HTTP/1.1"s,
                           "GET http://a.b/\xc3\xa4 HTTP/1.1"s,
                           "CONNECT a.b HTTP/1.1"s,
                           "CONNECT http://a.b:1/ HTTP/1.1"s,
                           "PRI * HTTP/2.0"s,
                           "OPTIONS * HTTP/1.1"s}) {
    EXPECT_NE(problem(line, host), "") << line;
  }
  for (const auto& fields : {""s,
                             "Host:\r\n"s,
                             host + host,
                             host + "Host: c.d\r\n",
                             "Host: c.d\r\n"s,
                             "Host: a.b:81\r\n"s,
                             "Host: a.b.\r\n"s,
                             "Host: u@a.b\r\n"s,
                             host + " folded: x\r\n",
                             host + "X: a\r\n\tb\r\n",
                             host + "X : a\r\n",
                             host + ": a\r\n",
                             host + "X\r\n",
                             host + "X: a\nY: b\r\n",
                             host + "X: a\rb\r\n",
                             host + "X: a\0b\r\n"s,
                             host + "X\0: a\r\n"s,
                             host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                             host + "Content-Length: 1\r\nContent-Length: 1\r\n",
                             host + "Content-Length: 1, 1\r\n",
                             host + "Content-Length: +1\r\n",
                             host + "Content-Length: 0x1\r\n",
                             host + "Content-Length: 99999999999999999999\r\n",
                             host + "Content-Length:\r\n",
                             host + "Transfer-Encoding: gzip, chunked\r\n",
                             host + "Transfer-Encoding: identity\r\n",
                             host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                             host + "Transfer-Encoding: \x0b"
                                    "chunked\r\n"}) {
    EXPECT_NE(problem(get, fields), "") << fields;
  }
  EXPECT_NE(problem("POST http://a.b/ HTTP/1.0", host + "Transfer-Encoding: chunked\r\n"), "");
}

TEST(Message, FieldsOfOneHopStayBehind) {
  const auto head = request("GET http://a.b/ HTTP/1.1",
                            "Host: a.b\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nX-Other: 2\r\n"
                            "TE: trailers\r\nProxy-Authorization: x\r\nKeep-Alive: 5\r\n"
                            "Upgrade: h2c\r\nHTTP2-Settings: x\r\nTrailer: y\r\nExpect: z\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(end_to_end(head->fields), (HttpHeaders{{"X-Other", "2"}}));
}

TEST(Message, AnswersSayWhereTheirBodyEnds) {
  const auto framing = [](const std::string& head, const char* method) {
    return *framing_of(*parse_response(head + "\r\n\r\n"), method);
  };
  using Kind = Framing::Kind;
  EXPECT_EQ(framing("HTTP/1.1 200 OK\r\nContent-Length: 5", "GET"), (Framing{Kind::length, 5}));
  EXPECT_EQ(framing("HTTP/1.1 200 OK\r\nContent-Length: 5", "HEAD"), Framing{});
  EXPECT_EQ(framing("HTTP/1.1 204 No Content", "GET"), Framing{});
  EXPECT_EQ(framing("HTTP/1.1 304 Not Modified\r\nContent-Length: 5", "GET"), Framing{});
  EXPECT_EQ(framing("HTTP/1.0 200", "GET").kind, Kind::until_close);
  EXPECT_EQ(framing("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "GET").kind, Kind::chunked);
  for (const auto* head : {"HTTP/1.1 20 OK", "HTTP/1.1 abc OK", "HTTP/2 200 OK", "ICY 200 OK",
                           "HTTP/1.1  200", "HTTP/1.1 099 No"}) {
    EXPECT_FALSE(parse_response(std::string(head) + "\r\n\r\n")) << head;
  }
}

}  // namespace
}  // namespace caisson
