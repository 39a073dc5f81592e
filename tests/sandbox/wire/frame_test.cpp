#include "sandbox/wire/frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace caisson::wire {
namespace {

struct Received {
  Type type;
  std::uint64_t seq;
  bool more;
  std::string body;
  bool operator==(const Received&) const = default;
};

// Feeds `bytes` in pieces of `piece` bytes.
std::vector<Received> decode_all(std::string_view bytes, std::size_t piece) {
  Decoder decoder;
  std::vector<Received> frames;
  while (!bytes.empty()) {
    const auto space = decoder.space();
    const auto count = std::min({piece, bytes.size(), space.size()});
    std::memcpy(space.data(), bytes.data(), count);
    decoder.filled(count);
    bytes.remove_prefix(count);
    Frame frame;
    while (decoder.next(frame) == Decoder::Step::frame) {
      frames.push_back(
          {frame.header.type, frame.header.seq, frame.more(), std::string(frame.body)});
    }
  }
  return frames;
}

std::string sample() {
  std::string out;
  Header header;
  header.type = Type::output;
  header.seq = 1;
  append_frame(out, header, "hello");
  header.seq = 2;
  append_frame(out, header, "");
  header.type = Type::result;
  header.seq = 3;
  append_message(out, header, std::string(max_body + 10, 'x'));
  return out;
}

TEST(Frame, TheSameFramesComeOutOfEverySplitting) {
  const auto bytes = sample();
  const auto whole = decode_all(bytes, bytes.size());
  ASSERT_EQ(whole.size(), 4U);
  EXPECT_EQ(whole[0], (Received{Type::output, 1, false, "hello"}));
  EXPECT_TRUE(whole[2].more);
  EXPECT_EQ(whole[3], (Received{Type::result, 4, false, std::string(10, 'x')}));
  for (const std::size_t piece : {1U, 2U, 31U, 32U, 33U, 4096U}) {
    EXPECT_EQ(decode_all(bytes, piece), whole) << piece;
  }
}

TEST(Frame, AnEmptyMessageIsOneFrame) {
  std::string out;
  EXPECT_EQ(append_message(out, Header{}, ""), 1U);
  EXPECT_EQ(out.size(), header_size);
}

TEST(Frame, GarbageIsBrokenAndSaysWhy) {
  Decoder decoder;
  const std::string garbage(64, '?');
  std::memcpy(decoder.space().data(), garbage.data(), garbage.size());
  decoder.filled(garbage.size());
  Frame frame;
  EXPECT_EQ(decoder.next(frame), Decoder::Step::broken);
  EXPECT_STREQ(decoder.problem(), "a frame does not start with CSN1");
}

TEST(Frame, ABodyThatIsTooLongIsBrokenBeforeItArrives) {
  Header header;
  header.length = max_body + 1;
  Decoder decoder;
  std::memcpy(decoder.space().data(), &header, header_size);
  decoder.filled(header_size);
  Frame frame;
  EXPECT_EQ(decoder.next(frame), Decoder::Step::broken);
}

}  // namespace
}  // namespace caisson::wire
