// The connection: greeting, resending, dropping, and what init does when nobody is connected.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>

#include "tests/guest/guest_fixture.h"

namespace caisson::test {
namespace {

using wire::Ending;
using wire::Type;

std::string frame_of(Type type, std::uint32_t epoch, std::uint64_t seq, std::string_view body) {
  wire::Header header;
  header.type = type;
  header.epoch = epoch;
  header.seq = seq;
  std::string bytes;
  wire::append_frame(bytes, header, body);
  return bytes;
}

TEST(Channel, WelcomeSaysWhatInitHas) {
  Guest guest;
  EXPECT_EQ(guest.welcome().version, wire::protocol_version);
  EXPECT_EQ(guest.welcome().last_seq, 0u);
  EXPECT_EQ(guest.welcome().set_up, 0u);
  guest.start();
  guest.connect();
  EXPECT_EQ(guest.welcome().last_seq, 2u);  // setup and open
  EXPECT_EQ(guest.welcome().set_up, 1u);
  EXPECT_EQ(guest.welcome().contexts, 1u);
}

TEST(Channel, NothingIsLostOrDoubledWhenAnAnswerIsCutAtAnyByte) {
  Guest guest;
  guest.start();
  const std::string code =
      "import sys\nprint('out')\nprint('err', file=sys.stderr)\ndisplay('shown')\n42";
  std::size_t bytes = 1;
  for (bool cut = true; cut; ++bytes) {
    guest.execute(bytes, code);
    cut = guest.read_and_cut(bytes);
    guest.connect();
    const auto block = guest.finish(bytes);
    ASSERT_EQ(block.out, "out\n") << "cut at byte " << bytes;
    ASSERT_EQ(block.err, "err\n") << "cut at byte " << bytes;
    ASSERT_EQ(block.displays.size(), 1u) << "cut at byte " << bytes;
    ASSERT_EQ(value_of(block), "42") << "cut at byte " << bytes;
  }
  EXPECT_GT(bytes, 300u);
}

TEST(Channel, BlockRunsOnceWhenItIsCutAtAnyByte) {
  Guest guest;
  guest.start();
  guest.run("runs = 0");
  const std::string code = "runs += 1\nruns";
  const auto size = wire::header_size + sizeof(wire::Execute) + code.size() + 12;
  for (std::size_t bytes = 0; bytes <= size; ++bytes) {
    const auto block = bytes + 2;
    const wire::Execute limits{block, 0, 0, 0, 0};
    const auto body = std::string(wire::bytes_of(limits)) + R"({"code":)" + quote(code) + "}";
    guest.send_and_cut(Type::execute, 1, body, bytes);
    guest.connect();
    ASSERT_EQ(value_of(guest.finish(block)), std::to_string(bytes + 1)) << "cut at byte " << bytes;
  }
}

TEST(Channel, ExecuteThatArrivesTwiceRunsOnce) {
  Guest guest;
  guest.start();
  guest.run("runs = 0");
  guest.execute(2, "runs += 1");
  guest.execute(2, "runs += 1");
  guest.finish(2);
  guest.execute(2, "runs += 1");
  guest.execute(1, "runs += 1");
  guest.execute(3, "runs");
  EXPECT_EQ(value_of(guest.finish(3)), "1");
}

TEST(Channel, LongMessagesSurviveCuts) {
  Guest guest;
  guest.start();
  guest.run("1");
  const std::string code = "len('" + std::string(1 << 20, 'a') + "')";
  const wire::Execute limits{2, 0, 0, 0, 0};
  const auto body = std::string(wire::bytes_of(limits)) + R"({"code":)" + quote(code) + "}";
  guest.send_and_cut(Type::execute, 1, body, 700000);
  guest.connect();
  EXPECT_EQ(value_of(guest.finish(2)), "1048576");
  guest.execute(3, "display('b' * 1000000)\n5");
  for (const std::size_t bytes : {100u, 70000u, 300000u}) {
    guest.read_and_cut(bytes);
    guest.connect();
  }
  const auto block = guest.finish(3);
  ASSERT_EQ(block.displays.size(), 1u);
  EXPECT_GT(block.displays[0].size(), 1000000u);
  EXPECT_EQ(value_of(block), "5");
}

TEST(Channel, HostThatForgotItsNumbersGoesOn) {
  Guest guest;
  guest.start();
  guest.run("x = 9");
  guest.run("print('a' * 10)");
  guest.disconnect();
  guest.forget();
  guest.connect();
  guest.execute(3, "x");
  // What the host before has not acknowledged comes again first.
  for (;;) {
    const auto message = guest.receive(Type::finished);
    std::string_view body = message.body;
    wire::Finished finished;
    ASSERT_TRUE(wire::take(body, finished));
    EXPECT_LE(finished.block, 3u);
    if (finished.block == 3) break;
  }
}

TEST(Channel, HostThatComesAgainLearnsWhereTheSessionStands) {
  Guest guest;
  guest.start();
  guest.run("x = 9");
  guest.run("1/0");
  const auto ask = [&guest](std::string_view what) {
    SCOPED_TRACE(what);
    guest.forget();
    guest.connect();
    guest.send(Type::open, 1, "{}");
    wire::Opened opened;
    // What the host before has not acknowledged comes first, answers to it among that.
    guest.receive(Type::opened);
    guest.send(Type::open, 1, "{}");
    do {
      const auto message = guest.receive();
      std::string_view body = message.body;
      if (message.type == Type::opened) EXPECT_TRUE(wire::take(body, opened));
    } while (guest.wait_readable(100));
    return opened;
  };
  auto opened = ask("between blocks");
  EXPECT_EQ(opened.last_block, 2u);
  EXPECT_EQ(opened.checkpoint, 2u);
  EXPECT_EQ(opened.running, 0u);
  guest.execute(3, "import time\ntime.sleep(1)\nimport os\nos._exit(3)");
  opened = ask("in a block");
  EXPECT_EQ(opened.last_block, 3u);
  EXPECT_EQ(opened.checkpoint, 2u);
  EXPECT_EQ(opened.running, 1u);
  guest.receive(Type::finished);
  opened = ask("after one that took the state with it");
  EXPECT_EQ(opened.last_block, 3u);
  EXPECT_EQ(opened.checkpoint, 0u);
  EXPECT_EQ(opened.running, 0u);
}

// As a command that is killed in the middle of its first block: it has acknowledged nothing.
TEST(Channel, WhatAHostBegunThatHeardNothingIsDropped) {
  Guest guest;
  const std::string code(200000, '#');
  const auto execute = [&code](std::uint64_t block) {
    const wire::Execute limits{block, 0, 0, 0, 0};
    return std::string(wire::bytes_of(limits)) + R"({"code":)" + quote(code) + "}";
  };
  guest.start();
  guest.forget();
  guest.connect();
  guest.send_and_cut(Type::execute, 1, execute(1), 70000);
  guest.forget();
  guest.connect();
  wire::Finished finished;
  do {
    const auto message = guest.receive(Type::finished);
    std::string_view body = message.body;
    ASSERT_TRUE(wire::take(body, finished));
  } while (finished.block != 1);
  guest.execute(2, "'whole'");
  EXPECT_EQ(value_of(guest.finish(2)), "'whole'");
}

TEST(Channel, HostThatComesAgainDoesNotCompleteWhatTheOneBeforeBegan) {
  Guest guest;
  guest.start();
  guest.run("x = 9");
  std::string long_code(200000, '#');
  const wire::Execute limits{2, 0, 0, 0, 0};
  const auto body = std::string(wire::bytes_of(limits)) + R"({"code":)" + quote(long_code) + "}";
  // An ack makes the loss of numbers visible to init.
  for (int i = 0; i < 40; ++i) guest.run("1");
  wire::Execute late = limits;
  late.block = 100;
  guest.send_and_cut(Type::execute, 1,
                     std::string(wire::bytes_of(late)) + body.substr(sizeof(late)), 70000);
  guest.forget();
  guest.connect();
  while (true) {
    const auto message = guest.receive(Type::finished);
    std::string_view rest = message.body;
    wire::Finished finished;
    ASSERT_TRUE(wire::take(rest, finished));
    if (finished.block == 100) break;
  }
  guest.execute(102, "x");
  EXPECT_EQ(value_of(guest.finish(102)), "9");
}

TEST(Channel, ConnectionWithoutAProperHelloIsClosed) {
  Guest guest;
  guest.start();
  const wire::Hello hello{wire::protocol_version, 0, 0};
  const std::string cases[] = {
      "GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n",
      frame_of(Type::execute, 100, 1, "x"), frame_of(Type::hello, 100, 0, "short"),
      frame_of(Type::hello, 1, 0, wire::bytes_of(hello)),  // an old epoch
  };
  for (const auto& bytes : cases) {
    guest.connect_without_hello();
    guest.write_raw(bytes);
    EXPECT_TRUE(guest.at_end());
  }
  guest.connect();
  EXPECT_EQ(value_of(guest.run("1")), "1");
}

TEST(Channel, FramesOfAnOldEpochAreDropped) {
  Guest guest;
  guest.start();
  guest.write_raw(frame_of(Type::shutdown, 0, 3, ""));
  EXPECT_EQ(value_of(guest.run("1")), "1");
}

TEST(Channel, FrameOutOfOrderBreaksTheConnection) {
  Guest guest;
  guest.start();
  guest.write_raw(frame_of(Type::shutdown, 1, 30, ""));
  EXPECT_TRUE(guest.at_end());
  guest.connect();
  EXPECT_EQ(value_of(guest.run("1")), "1");
}

TEST(Channel, NewConnectionReplacesTheOneBefore) {
  Guest guest;
  guest.start();
  guest.execute(1, "import time; time.sleep(0.1); 3");
  guest.keep_open_and_connect();
  EXPECT_EQ(value_of(guest.finish(1)), "3");
}

TEST(Channel, StdioWorksAndItsEndIsTheEnd) {
  Guest guest({}, Guest::Place::stdio);
  guest.start();
  const auto block = guest.run("import subprocess\nsubprocess.Popen(['sleep', '1000'])\nprint(1)");
  EXPECT_EQ(block.out, "1\n");
  const auto children = descendants(guest.pid());
  guest.disconnect();
  EXPECT_EQ(guest.wait_exit(), 0);
  for (const pid_t child : children) EXPECT_FALSE(is_alive(child)) << child;
}

TEST(Life, InitEndsWhenNoHostIsConnectedForLong) {
  Guest guest([](wire::Setup& setup) { setup.limits.idle_ms = 100; });
  guest.start();
  const auto directory = guest.directory().string();
  EXPECT_EQ(value_of(guest.run("import time; time.sleep(0.2); 1")), "1");
  guest.disconnect();
  const auto begin = std::chrono::steady_clock::now();
  const int status = guest.wait_exit();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(90));
  EXPECT_TRUE(find_processes(directory).empty());
}

TEST(Life, InitEndsAtTheEndOfItsLifetime) {
  Guest guest([](wire::Setup& setup) { setup.limits.lifetime_ms = 500; });
  guest.start();
  guest.execute(1, "while True: pass");
  EXPECT_TRUE(guest.at_end());
  EXPECT_EQ(guest.wait_exit(), 0);
}

TEST(Life, ShutdownAndTermEndEverything) {
  for (const bool term : {false, true}) {
    Guest guest;
    guest.start();
    guest.run(
        "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "import threading");
    guest.execute(2, "while True: pass");
    const auto children = descendants(guest.pid());
    EXPECT_GE(children.size(), 2u);
    if (term) {
      ::kill(guest.pid(), SIGTERM);
    } else {
      guest.send(Type::shutdown, 0, "");
    }
    EXPECT_EQ(guest.wait_exit(), 0);
    for (const pid_t child : children) EXPECT_FALSE(is_alive(child)) << child;
  }
}

}  // namespace
}  // namespace caisson::test
