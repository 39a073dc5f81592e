#include "sandbox/session/link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace caisson {
namespace {

using wire::Header;
using wire::Type;

// The guest's side, as simple as a test can have it.
struct Guest {
  std::uint32_t epoch = 1;
  std::uint64_t seq = 0;
  std::vector<std::string> kept;  // every numbered frame ever sent, by seq - 1

  std::string frame(Type type, std::string_view body, std::uint64_t ack = 0, bool more = false) {
    Header header;
    header.type = type;
    header.flags = more ? wire::flag_more : 0;
    header.context = 1;
    header.epoch = epoch;
    header.seq = ++seq;
    header.ack = ack;
    std::string out;
    wire::append_frame(out, header, body);
    kept.push_back(out);
    return out;
  }
  std::string welcome(std::uint64_t last_seq,
                      std::uint32_t version = wire::protocol_version) const {
    Header header;
    header.type = Type::welcome;
    header.epoch = epoch;
    wire::Welcome body;
    body.version = version;
    body.last_seq = last_seq;
    std::string out;
    wire::append_frame(out, header, wire::bytes_of(body));
    return out;
  }
};

std::vector<std::string> feed(Link& link, std::string_view bytes) {
  std::vector<std::string> bodies;
  while (!bytes.empty()) {
    const auto space = link.space();
    const auto count = std::min(bytes.size(), space.size());
    std::copy_n(bytes.data(), count, space.data());
    link.filled(count);
    bytes.remove_prefix(count);
    GuestMessage message;
    while (link.next(message) == Link::Step::message) bodies.push_back(message.body);
  }
  return bodies;
}

std::vector<Header> headers(std::string_view bytes) {
  std::vector<Header> list;
  while (!bytes.empty()) {
    Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    list.push_back(header);
    bytes.remove_prefix(wire::header_size + header.length);
  }
  return list;
}

using Bodies = std::vector<std::string>;

TEST(Link, GreetsFirstAndHoldsEverythingElseUntilTheWelcome) {
  Link link(1);
  Guest guest;
  link.connected();
  link.send(Type::setup, 0, "setup");
  auto sent = headers(link.take_outgoing());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].type, Type::hello);
  feed(link, guest.welcome(0));
  sent = headers(link.take_outgoing());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].type, Type::setup);
  EXPECT_EQ(sent[0].seq, 1U);
}

TEST(Link, SaysThatItIsNewUntilItWasWelcomed) {
  Link link;
  Guest guest;
  const auto first = [&link] {
    const auto bytes = link.take_outgoing();
    wire::Hello hello;
    std::memcpy(&hello, bytes.data() + wire::header_size, sizeof hello);
    return std::pair(headers(bytes)[0].epoch, hello.first);
  };
  link.connected(7);
  EXPECT_EQ(first(), std::pair(7U, 1U));
  EXPECT_EQ(link.acknowledge(), "");
  link.connected(9);
  EXPECT_EQ(first(), std::pair(9U, 1U));
  guest.epoch = 9;
  feed(link, guest.welcome(0));
  EXPECT_EQ(headers(link.acknowledge())[0].type, Type::host_ack);
  link.connected();
  EXPECT_EQ(first(), std::pair(10U, 0U));
}

TEST(Link, SendsAgainWhatWasNotAcknowledgedAndNothingElse) {
  Link link(1);
  Guest guest;
  link.connected();
  feed(link, guest.welcome(0));
  link.send(Type::execute, 1, "a");
  link.send(Type::execute, 1, "b");
  link.take_outgoing();
  link.connected();
  guest.epoch = 2;
  link.take_outgoing();
  feed(link, guest.welcome(1));
  const auto sent = headers(link.take_outgoing());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].seq, 2U);
  EXPECT_EQ(sent[0].epoch, 2U);
}

TEST(Link, AFrameThatArrivesTwiceIsHandedOutOnce) {
  Link link(1);
  Guest guest;
  link.connected();
  feed(link, guest.welcome(0));
  EXPECT_EQ(feed(link, guest.frame(Type::output, "one")), Bodies{"one"});
  EXPECT_EQ(feed(link, guest.kept[0]), Bodies{});
  EXPECT_EQ(feed(link, guest.frame(Type::output, "two")), Bodies{"two"});
}

TEST(Link, AGapIsAnErrorThatNamesIt) {
  Link link(1);
  Guest guest;
  link.connected();
  feed(link, guest.welcome(0));
  feed(link, guest.frame(Type::output, "one"));
  guest.frame(Type::output, "lost");
  feed(link, guest.frame(Type::output, "three"));
  EXPECT_EQ(link.problem(), "frame 3 came after frame 1");
}

TEST(Link, AMessageInFramesSurvivesAConnectionThatBreaksBetweenThem) {
  Link link(1);
  Guest guest;
  link.connected();
  feed(link, guest.welcome(0));
  EXPECT_EQ(feed(link, guest.frame(Type::result, "first ", 0, true)), Bodies{});
  link.connected();
  guest.epoch = 2;
  feed(link, guest.welcome(0));
  EXPECT_EQ(feed(link, guest.frame(Type::result, "second")), Bodies{"first second"});
}

TEST(Link, FramesOfAnOlderConnectionAreDropped) {
  Link link(1);
  Guest guest;
  link.connected();
  feed(link, guest.welcome(0));
  link.connected();
  EXPECT_EQ(feed(link, guest.frame(Type::output, "late")), Bodies{});
}

TEST(Link, ACutAtAnyByteLosesAndDoublesNothing) {
  Guest guest;
  std::string stream;
  Bodies expected;
  for (int i = 0; i < 5; ++i) {
    stream += guest.frame(Type::output, std::string(1, static_cast<char>('a' + i)));
    expected.push_back(std::string(1, static_cast<char>('a' + i)));
  }
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Link link(1);
    link.connected();
    Guest first;
    feed(link, first.welcome(0));
    auto got = feed(link, stream.substr(0, cut));
    link.connected();
    // The guest sends again what the hello did not confirm; here simply everything.
    Guest second;
    second.epoch = 2;
    std::string again = second.welcome(0);
    for (const auto& body : expected) again += second.frame(Type::output, body);
    const auto rest = feed(link, again);
    got.insert(got.end(), rest.begin(), rest.end());
    EXPECT_EQ(got, expected) << cut;
  }
}

TEST(Link, AcknowledgesBulkDataWithoutBeingAsked) {
  Link link(1);
  Guest guest;
  link.connected();
  feed(link, guest.welcome(0));
  link.take_outgoing();
  for (int i = 0; i < 5; ++i)
    feed(link, guest.frame(Type::output, std::string(wire::max_body, 'x')));
  const auto sent = headers(link.take_outgoing());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].type, Type::host_ack);
  EXPECT_GE(sent[0].ack, 4U);
}

TEST(Link, AnotherVersionIsRefusedWithBothNumbers) {
  Link link(1);
  Guest guest;
  link.connected();
  feed(link, guest.welcome(0, 9));
  EXPECT_EQ(link.problem(), "the guest speaks version 9 of the protocol, we speak 1");
}

TEST(Link, AHostThatStartsAgainTakesTheFirstNumberItSees) {
  Link link(1);
  Guest guest;
  guest.seq = 41;
  link.connected();
  link.send(Type::interrupt, 1, "");
  link.take_outgoing();
  feed(link, guest.welcome(17));
  EXPECT_EQ(feed(link, guest.frame(Type::output, "x")), Bodies{"x"});
  link.send(Type::interrupt, 1, "");
  const auto sent = headers(link.take_outgoing());
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].seq, 18U) << "what was sent before the welcome is numbered anew";
  EXPECT_EQ(sent[1].seq, 19U);
}

TEST(Link, AMessageThatNeverEndsIsRefused) {
  Link link(1);
  Guest guest;
  link.connected();
  feed(link, guest.welcome(0));
  for (std::size_t size = 0; size <= wire::max_message; size += wire::max_body) {
    guest.kept.clear();
    feed(link, guest.frame(Type::result, std::string(wire::max_body, 'x'), 0, true));
  }
  EXPECT_EQ(link.problem(), "a message is longer than 16 MiB");
}

}  // namespace
}  // namespace caisson
