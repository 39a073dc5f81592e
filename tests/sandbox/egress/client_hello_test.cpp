#include "sandbox/egress/client_hello.h"

#include <gtest/gtest.h>

#include "tests/support/client_hello.h"

namespace caisson {
namespace {

using Step = ClientHelloParser::Step;

using test::extension;
using test::message;
using test::number;
using test::records;
using test::server_name;
using test::vector;

Step feed(ClientHelloParser& parser, std::string_view bytes, std::size_t piece) {
  auto step = Step::need_more;
  while (!bytes.empty() && step == Step::need_more) {
    step = parser.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return step;
}

Step judge(const std::string& bytes) {
  ClientHelloParser parser;
  return parser.feed(bytes);
}

TEST(ClientHello, NamesItsHostWhateverRecordsAndPiecesItComesIn) {
  const auto hello =
      message(extension(10, "abcd") + server_name("api.example.org") + extension(43, "xyz"));
  for (const std::size_t record : {1U, 2U, 5U, 64U, 16384U}) {
    const auto bytes = records(hello, record);
    for (const std::size_t piece : {1U, 3U, 7U, 100U, 100000U}) {
      ClientHelloParser parser;
      ASSERT_EQ(feed(parser, bytes, piece), Step::hello) << record << " " << piece;
      EXPECT_EQ(parser.hello().server_name, "api.example.org");
      EXPECT_FALSE(parser.hello().encrypted);
    }
  }
}

TEST(ClientHello, MayNameNobody) {
  ClientHelloParser parser;
  EXPECT_EQ(parser.feed(records(message(""))), Step::hello);
  EXPECT_EQ(parser.hello().server_name, std::nullopt);
}

TEST(ClientHello, AnEncryptedOneIsSeen) {
  for (const unsigned type : {0xfe0dU, 0xffceU}) {
    ClientHelloParser parser;
    ASSERT_EQ(parser.feed(records(message(server_name("a.b") + extension(type, "x")))),
              Step::hello);
    EXPECT_TRUE(parser.hello().encrypted);
  }
}

TEST(ClientHello, AnythingElseIsNotTls) {
  const auto good = message(server_name("a.b"));
  for (const auto& bytes :
       {std::string("GET / HTTP/1.1\r\n"), std::string("SSH-2.0-x"), std::string("\x80\x2e\x01"),
        std::string("\x16\x02\x01"), std::string("\x16\x03\x01\x00\x00", 5),
        std::string("\x16\x03\x01\xff\xff"), std::string("\x17\x03\x01\x00\x01x", 6),
        records("\2" + good.substr(1)), records(good + "more"), records(good) + "\x17",
        records(good) + records(good), records(good.substr(0, 10)) + std::string("\x15\x03\x01")}) {
    EXPECT_EQ(judge(bytes), Step::broken) << bytes;
  }
}

TEST(ClientHello, OneThatIsNotAsItShouldBeIsRefused) {
  const auto two = number(0, 1) + vector("a.b", 2) + number(0, 1) + vector("c.d", 2);
  for (const auto& extensions :
       {server_name("a.b") + server_name("c.d"), extension(0, vector(two, 2)),
        server_name("a.b", 1), extension(0, ""), extension(0, vector("", 2)),
        extension(0, vector(number(0, 1) + vector("a.b", 2), 2) + "x"), number(0, 2) + "\xff",
        number(0, 2) + number(100, 2) + "x"}) {
    EXPECT_EQ(judge(records(message(extensions))), Step::broken);
  }
  auto padded = message(server_name("a.b"));
  padded = padded.substr(0, 1) + vector(padded.substr(4) + "xx", 3);
  EXPECT_EQ(judge(records(padded)), Step::broken);
  const auto cut = message(server_name("a.b"));
  for (std::size_t size = 5; size + 1 < cut.size(); ++size) {
    EXPECT_NE(judge(records(cut.substr(0, 1) + vector(cut.substr(4, size - 4), 3))),
              Step::need_more);
  }
}

TEST(ClientHello, OneWithoutEndIsGivenUp) {
  const auto endless = std::string(1, '\1') + number(0xffffff, 3);
  EXPECT_EQ(judge(records(endless)), Step::broken);
  ClientHelloParser slow;
  const auto large = std::string(1, '\1') + number(65000, 3) + std::string(100000, 'x');
  EXPECT_EQ(feed(slow, records(large, 100), 1000), Step::broken);
}

}  // namespace
}  // namespace caisson
