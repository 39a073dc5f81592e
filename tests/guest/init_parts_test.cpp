// The parts of init that do no I/O.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sandbox/guest/init/block_clock.h"
#include "sandbox/guest/init/capture.h"
#include "sandbox/guest/init/denials.h"
#include "sandbox/guest/init/processes.h"

namespace caisson::guest {
namespace {

// What a host would have of a stream that is written in pieces of this size.
struct Kept {
  std::string head;
  std::string tail;
  std::uint64_t dropped = 0;
};

Kept capture(const std::string& stream, std::uint64_t limit, std::size_t piece) {
  Capture capture;
  capture.begin(limit);
  Kept kept;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    const auto bytes = std::string_view(stream).substr(at, piece);
    kept.head += bytes.substr(0, capture.take(bytes));
  }
  kept.tail = std::string(capture.tail_first()) + std::string(capture.tail_second());
  kept.dropped = capture.dropped();
  EXPECT_EQ(capture.total(), stream.size());
  return kept;
}

TEST(Capture, KeepsBothEndsHoweverTheStreamIsCut) {
  std::string stream;
  for (int i = 0; i < 300; ++i) stream += static_cast<char>('a' + i % 26);
  for (const std::uint64_t limit : {0u, 1u, 2u, 7u, 64u, 299u, 300u, 301u, 5000u}) {
    for (std::size_t piece = 1; piece <= 301; ++piece) {
      const auto kept = capture(stream, limit, piece);
      const auto expected = std::min<std::uint64_t>(limit, stream.size());
      ASSERT_EQ(kept.head.size() + kept.tail.size(), expected) << limit << " " << piece;
      ASSERT_EQ(kept.dropped, stream.size() - expected);
      ASSERT_TRUE(stream.starts_with(kept.head)) << limit << " " << piece;
      ASSERT_TRUE(stream.ends_with(kept.tail)) << limit << " " << piece;
    }
  }
}

TEST(Capture, BeginsAnewForEachBlock) {
  Capture capture;
  capture.begin(4);
  capture.take("abcdefgh");
  capture.begin(4);
  EXPECT_EQ(capture.take("xyz"), 2u);
  EXPECT_EQ(capture.tail_first(), "z");
  EXPECT_EQ(capture.total(), 3u);
}

TEST(BlockClock, PausesNestAndStopBothClocks) {
  BlockClock clock;
  clock.start({1000, 50}, {500, 100});
  clock.pause({1100, 60});
  clock.pause({1200, 200});
  EXPECT_EQ(clock.due({9000, 900}), BlockClock::Due::nothing);
  clock.resume({9000, 900});
  EXPECT_EQ(clock.due({9500, 990}), BlockClock::Due::nothing);
  clock.resume({10000, 1000});
  EXPECT_EQ(clock.wall(10399), 499);
  EXPECT_EQ(clock.cpu(1089), 99);
  EXPECT_EQ(clock.due({10399, 1089}), BlockClock::Due::nothing);
  EXPECT_EQ(clock.due({10400, 1089}), BlockClock::Due::wall);
  EXPECT_EQ(clock.due({10399, 1090}), BlockClock::Due::cpu);
  EXPECT_EQ(clock.wall_deadline(10000), 10400);
}

TEST(BlockClock, ResumeWithoutPauseIsNothing) {
  BlockClock clock;
  clock.start({0, 0}, {100, never});
  clock.resume({50, 0});
  EXPECT_EQ(clock.wall(60), 60);
}

TEST(BlockClock, CpuIsReadAgainBeforeAllProcessorsCouldHaveUsedItUp) {
  BlockClock clock;
  clock.start({0, 0}, {never, 1000000});
  EXPECT_EQ(clock.next_cpu_check({0, 0}, 4), 250000);
  EXPECT_EQ(clock.next_cpu_check({500000, 900000}, 4), 525000);
  EXPECT_EQ(clock.next_cpu_check({500000, 999999}, 4), 502000);  // not finer than 2 ms
  clock.pause({0, 0});
  EXPECT_EQ(clock.next_cpu_check({0, 0}, 4), never);
}

TEST(Denials, EqualCallsAreOneRecordAndACount) {
  Denials denials;
  wire::DeniedCall call;
  call.number = 101;
  EXPECT_TRUE(denials.add(call));
  for (int i = 0; i < 999; ++i) EXPECT_FALSE(denials.add(call));
  call.args[1] = 5;
  EXPECT_TRUE(denials.add(call));
  const auto rest = denials.take();
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].count, 999u);
  EXPECT_TRUE(denials.take().empty());
  EXPECT_TRUE(denials.add(call));
}

TEST(Denials, ManyDifferentCallsAreBoundedAndNoneIsLost) {
  Denials denials;
  std::uint64_t told = 0;
  for (int i = 0; i < 10000; ++i) {
    wire::DeniedCall call;
    call.number = i % 300;
    call.args[0] = static_cast<std::uint64_t>(i);
    if (denials.add(call)) ++told;
  }
  EXPECT_EQ(told, Denials::max_distinct);
  const auto rest = denials.take();
  EXPECT_LE(rest.size(), Denials::max_distinct + Denials::max_numbers);
  for (const auto& call : rest) told += call.count;
  EXPECT_EQ(told, 10000u);
}

TEST(Processes, StatIsParsedWhateverTheNameIs) {
  const std::string fields =
      " S 7 12 13 0 -1 4194560 1 2 3 4 11 22 33 44 20 0 5 0 98765 1000000 300";
  for (const std::string name : {"(sh)", "(a b)", "())", "() R 1 1 1 1)", "(\n)"}) {
    Process process;
    ASSERT_TRUE(parse_stat("123 " + name + fields, process)) << name;
    EXPECT_EQ(process.pid, 123);
    EXPECT_EQ(process.state, 'S');
    EXPECT_EQ(process.parent, 7);
    EXPECT_EQ(process.session, 13);
    EXPECT_EQ(process.cpu, 33);
    EXPECT_EQ(process.children_cpu, 77);
    EXPECT_EQ(process.threads, 5);
    EXPECT_EQ(process.start, 98765u);
  }
  const auto whole = "123 (sh)" + fields;
  Process process;
  const auto last = whole.find(" 1000000");
  for (std::size_t size = 0; size + 5 < last; ++size) {
    EXPECT_FALSE(parse_stat(std::string_view(whole).substr(0, size), process)) << size;
  }
}

TEST(Processes, ZombieLeaderWithThreadsIsAlive) {
  Process process;
  process.state = 'Z';
  process.threads = 2;
  EXPECT_TRUE(process.alive());
  process.threads = 1;
  EXPECT_FALSE(process.alive());
}

}  // namespace
}  // namespace caisson::guest
