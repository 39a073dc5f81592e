// What the code of a session may use of memory: all its processes together.
#include <gtest/gtest.h>

#include "tests/guest/guest_fixture.h"

namespace caisson::test {
namespace {

using wire::Ending;

// With one checkpoint.
void keep_one(wire::Setup& setup) {
  setup.limits.checkpoints = 1;
}

TEST(Memory, OfAllProcessesTogetherIsWhatTheCodeMayUse) {
  Guest guest([](wire::Setup& setup) {
    keep_one(setup);
    setup.limits.memory_bytes = 192 << 20;
  });
  guest.start();
  guest.run("a = 1");
  const auto block = guest.run(
      "import os, time\n"
      "for _ in range(4):\n"
      "  if os.fork() == 0:\n"
      "    x = bytearray(os.urandom(1 << 20)) * 100\n"
      "    time.sleep(50)\n"
      "time.sleep(50)",
      {0, 20000, 0, 100, 0});
  EXPECT_EQ(block.finished.ending, Ending::out_of_memory);
  EXPECT_EQ(block.finished.strays_killed, 4u);
  EXPECT_EQ(value_of(guest.run("a")), "1");
}

TEST(Memory, ThatIsMappedAsSharedCountsToo) {
  Guest guest([](wire::Setup& setup) {
    keep_one(setup);
    setup.limits.memory_bytes = 192 << 20;
  });
  guest.start();
  EXPECT_EQ(guest.run("import mmap\nm = mmap.mmap(-1, 1 << 20); m.write(b'x' * (1 << 20))")
                .finished.shared_bytes,
            1u << 20);
  guest.run("import time");
  const auto held = guest.run(
      "m = mmap.mmap(-1, 1 << 28)\nfor at in range(0, 1 << 28, 4096): m[at] = 1\n"
      "time.sleep(50)",
      {0, 20000, 0, 100, 0});
  EXPECT_EQ(held.finished.ending, Ending::out_of_memory);
}

TEST(Memory, OfForksIsNotCountedTwice) {
  Guest guest([](wire::Setup& setup) {
    keep_one(setup);
    setup.limits.memory_bytes = 192 << 20;
  });
  guest.start();
  const auto block = guest.run(
      "import os, time\nx = bytearray(os.urandom(1 << 20)) * 100\n"
      "pids = []\n"
      "for _ in range(4):\n"
      "  pid = os.fork()\n"
      "  if pid == 0:\n    time.sleep(0.3)\n    os._exit(0)\n"
      "  pids.append(pid)\n"
      "[os.waitpid(pid, 0)[1] for pid in pids]");
  EXPECT_EQ(block.finished.ending, Ending::finished);
  EXPECT_EQ(value_of(block), "[0, 0, 0, 0]");
}

}  // namespace
}  // namespace caisson::test
