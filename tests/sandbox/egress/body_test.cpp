#include "sandbox/egress/body.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using Kind = Framing::Kind;

// The content, the rest, and whether it is at its end; nothing: badly framed.
struct Read {
  std::string content;
  std::string rest;
  bool done = false;
};
std::optional<Read> read(Framing framing, std::string_view bytes, std::size_t piece) {
  BodyReader body(framing);
  Read read;
  while (!bytes.empty() && !body.done()) {
    auto part = bytes.substr(0, piece);
    const auto size = part.size();
    if (!body.take(part, read.content)) return std::nullopt;
    bytes.remove_prefix(size - part.size());
  }
  read.rest = bytes;
  read.done = body.done();
  return read;
}

TEST(Body, EndsWhereItsFramingSaysWhateverPiecesItComesIn) {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    const auto counted = read({Kind::length, 5}, "hello next", piece);
    ASSERT_TRUE(counted);
    EXPECT_EQ(counted->content, "hello");
    EXPECT_EQ(counted->rest, " next");
    const auto chunked =
        read({Kind::chunked, 0}, "3\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\nnext", piece);
    ASSERT_TRUE(chunked) << piece;
    EXPECT_EQ(chunked->content, "abc0123456789");
    EXPECT_EQ(chunked->rest, "next");
    EXPECT_TRUE(chunked->done);
  }
  EXPECT_TRUE(BodyReader(Framing{}).done());
  EXPECT_TRUE(BodyReader({Kind::length, 0}).done());
}

TEST(Body, ChunksThatTwoServersMayReadDifferentlyAreRefused) {
  for (const auto* bytes :
       {"3\nabc\n0\n\n", "3;x\r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n", "-3\r\nabc", " 3\r\nabc\r\n",
        "3 \r\nabc\r\n", "\r\nabc", "3\r\nabcd\r\n", "ffffffffffffffffffff\r\n",
        "3\r\nabc0\r\n\r\n", "g\r\n"}) {
    EXPECT_FALSE(read({Kind::chunked, 0}, bytes, 100)) << bytes;
    EXPECT_FALSE(read({Kind::chunked, 0}, bytes, 1)) << bytes;
  }
  EXPECT_FALSE(read({Kind::chunked, 0}, std::string(2000, '1'), 1));
  EXPECT_FALSE(read({Kind::chunked, 0}, "0\r\n" + std::string(20000, 'x'), 100));
}

TEST(Body, OnlyOneWithoutLengthMayEndWithTheConnection) {
  BodyReader open({Kind::until_close, 0});
  std::string content;
  std::string_view bytes = "abc";
  EXPECT_TRUE(open.take(bytes, content));
  EXPECT_FALSE(open.done());
  EXPECT_TRUE(open.end());
  BodyReader counted({Kind::length, 5});
  bytes = "abc";
  EXPECT_TRUE(counted.take(bytes, content));
  EXPECT_FALSE(counted.end());
}

TEST(Body, AChunkReadsBackAsItself) {
  const auto text = chunk_of("hello") + chunk_of("");
  EXPECT_EQ(read({Kind::chunked, 0}, text, 3)->content, "hello");
}

}  // namespace
}  // namespace caisson
