// Files over the channel, asked of init itself (PROTOCOL.md, "Files"): what a transfer may take,
// and what it leaves when its host goes away.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "sandbox/wire/files.h"
#include "tests/guest/guest_fixture.h"

namespace caisson {
namespace {

namespace fs = std::filesystem;
using test::Guest;
using wire::FileProblem;
using wire::Type;

fs::path home(Guest& guest) {
  return guest.setup().working_dir;
}

void put(Guest& guest, std::uint64_t request, std::uint16_t flags, const std::string& path,
         std::string_view bytes) {
  wire::FilePut head;
  head.request = request;
  head.flags = flags;
  head.path_bytes = static_cast<std::uint16_t>(path.size());
  guest.send(Type::put, 1, std::string(wire::bytes_of(head)) + path + std::string(bytes));
}

void ask(Guest& guest, Type type, std::uint64_t request, const std::string& path,
         std::uint64_t most = 1 << 30, std::uint16_t flags = 0) {
  wire::FileGet head;
  head.request = request;
  head.most = most;
  head.flags = flags;
  head.path_bytes = static_cast<std::uint16_t>(path.size());
  guest.send(type, 1, std::string(wire::bytes_of(head)) + path);
}

struct Answer {
  wire::FileAnswer head;
  std::string body;
};

Answer answer(Guest& guest) {
  Answer got;
  const auto message = guest.receive(Type::file);
  std::string_view body = message.body;
  EXPECT_TRUE(wire::take(body, got.head));
  got.body = body;
  return got;
}

std::string content(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, std::string_view bytes) {
  std::ofstream(path) << bytes;
}

// But for what is there before any block.
std::size_t entries(Guest& guest) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(home(guest))) {
    if (!entry.is_socket()) ++count;
  }
  return count;
}

// Until init has seen what was sent before: it answers in order.
void settle(Guest& guest) {
  ask(guest, Type::list, 999999, ".");
  while (answer(guest).head.request != 999999) {
  }
}

TEST(GuestFiles, AnUploadTakesItsPlaceWhenItIsWhole) {
  Guest guest;
  guest.start();
  write(home(guest) / "data", "old");
  put(guest, 1, wire::first_piece, "data", "ne");
  settle(guest);
  EXPECT_EQ(content(home(guest) / "data"), "old");
  put(guest, 1, wire::last_piece, "", "w");
  EXPECT_EQ(answer(guest).head.problem, FileProblem::none);
  EXPECT_EQ(content(home(guest) / "data"), "new");
  EXPECT_EQ(entries(guest), 1U);
}

TEST(GuestFiles, AnUploadThatIsAbandonedLeavesNothing) {
  Guest guest;
  guest.start();
  put(guest, 1, wire::first_piece, "data", "half");
  put(guest, 1, wire::abandon, "", "");
  settle(guest);
  EXPECT_EQ(entries(guest), 0U);
}

TEST(GuestFiles, AHostThatComesBackGoesOnWithItsUpload) {
  Guest guest;
  guest.start();
  put(guest, 1, wire::first_piece, "data", "one ");
  settle(guest);
  guest.disconnect();
  guest.connect();
  put(guest, 1, wire::last_piece, "", "two");
  EXPECT_EQ(answer(guest).head.problem, FileProblem::none);
  EXPECT_EQ(content(home(guest) / "data"), "one two");
}

TEST(GuestFiles, AnotherHostFindsNothingOfTheUploadsBefore) {
  Guest guest;
  guest.start();
  put(guest, 1, wire::first_piece, "data", "half");
  settle(guest);
  EXPECT_EQ(entries(guest), 1U);
  guest.disconnect();
  guest.forget();
  guest.connect();
  settle(guest);
  EXPECT_EQ(entries(guest), 0U);
}

TEST(GuestFiles, F04WhatIsNoRegularFileIsRefusedAtOnce) {
  Guest guest;
  guest.start();
  ASSERT_EQ(::mkfifo((home(guest) / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/etc/passwd", home(guest) / "link");
  fs::create_directory(home(guest) / "folder");
  for (const char* name : {"pipe", "link", "folder"}) {
    ask(guest, Type::get, 1, name);
    const auto got = answer(guest);
    EXPECT_TRUE(got.head.problem == FileProblem::not_regular ||
                got.head.problem == FileProblem::outside)
        << name;
    put(guest, 2, wire::first_piece | wire::last_piece, name, "x");
    EXPECT_NE(answer(guest).head.problem, FileProblem::none) << name;
  }
  EXPECT_TRUE(fs::is_symlink(home(guest) / "link"));
}

TEST(GuestFiles, F08NoPathLeadsOut) {
  Guest guest;
  guest.start();
  fs::create_directory_symlink("/tmp", home(guest) / "out");
  for (const char* path : {"../up", "/tmp/absolute", "out/file", "a/../../up", ".", "..", ""}) {
    put(guest, 1, wire::first_piece | wire::last_piece, path, "x");
    EXPECT_NE(answer(guest).head.problem, FileProblem::none) << path;
    ask(guest, Type::get, 2, path);
    EXPECT_NE(answer(guest).head.problem, FileProblem::none) << path;
  }
  EXPECT_FALSE(fs::exists(home(guest).parent_path() / "up"));
  EXPECT_FALSE(fs::exists("/tmp/absolute"));
}

TEST(GuestFiles, F07ALargeSparseFileIsRefusedUnread) {
  Guest guest;
  guest.start();
  write(home(guest) / "sparse", "");
  fs::resize_file(home(guest) / "sparse", 10ULL << 30);
  ask(guest, Type::get, 1, "sparse", 1 << 20);
  const auto got = answer(guest);
  EXPECT_EQ(got.head.problem, FileProblem::too_large);
  EXPECT_EQ(got.head.size, 10ULL << 30);
}

TEST(GuestFiles, ADownloadThatIsAbandonedEnds) {
  Guest guest;
  guest.start();
  write(home(guest) / "large", "");
  fs::resize_file(home(guest) / "large", 256 << 20);
  ask(guest, Type::get, 1, "large");
  EXPECT_EQ(answer(guest).head.size, 256U << 20);
  ask(guest, Type::get, 1, "", 0, wire::abandon);
  // What comes before init has read that is a part of the file only.
  std::uint64_t got = 0;
  ask(guest, Type::list, 2, ".");
  for (auto next = answer(guest); next.head.request != 2; next = answer(guest)) {
    got += next.body.size();
  }
  EXPECT_LT(got, 64U << 20);
}

// The window of what is unacknowledged belongs to the output of blocks first.
TEST(GuestFiles, DownloadsLeaveRoomForTheOutputOfBlocks) {
  Guest guest;
  guest.start();
  write(home(guest) / "large", "");
  fs::resize_file(home(guest) / "large", 64 << 20);
  for (std::uint64_t request = 1; request <= 8; ++request) ask(guest, Type::get, request, "large");
  // The host reads nothing now: init sends until it may not send more.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto block = guest.run("print('x' * 100)\n1 + 1");
  EXPECT_EQ(test::value_of(block), "2");
  EXPECT_EQ(block.out, std::string(100, 'x') + "\n");
}

TEST(GuestFiles, ManyAtOnceAreRefusedAndNotQueued) {
  Guest guest;
  guest.start();
  for (std::uint64_t request = 1; request <= 17; ++request) {
    put(guest, request, wire::first_piece, "file" + std::to_string(request), "x");
  }
  const auto refused = answer(guest);
  EXPECT_EQ(refused.head.request, 17U);
  EXPECT_EQ(refused.head.problem, FileProblem::too_many);
  for (std::uint64_t request = 1; request <= 16; ++request) {
    put(guest, request, wire::last_piece, "", "");
    EXPECT_EQ(answer(guest).head.problem, FileProblem::none);
  }
  EXPECT_EQ(entries(guest), 16U);
}

TEST(GuestFiles, F06NamesComeAsTheyAre) {
  Guest guest;
  guest.start();
  const std::string names[] = {"new\nline",
                               "\x1b[31mred",
                               "-rf",
                               "\xff\xfe",
                               std::string(255, 'n'),
                               "\xe2\x80\xae"
                               "cod.exe"};
  for (const auto& name : names) write(home(guest) / name, "x");
  ask(guest, Type::list, 1, ".");
  const auto got = answer(guest);
  EXPECT_GE(got.head.size, std::size(names));
  for (const auto& name : names) EXPECT_NE(got.body.find(name), std::string::npos);
  std::uint64_t request = 1;
  for (const auto& name : names) {
    ask(guest, Type::get, ++request, name);
    EXPECT_EQ(answer(guest).head.size, 1U);
    EXPECT_EQ(answer(guest).body, "x");
  }
}

TEST(GuestFiles, AFileThatShrinksIsAnError) {
  Guest guest;
  guest.start();
  write(home(guest) / "large", "");
  fs::resize_file(home(guest) / "large", 64 << 20);
  ask(guest, Type::get, 1, "large");
  EXPECT_EQ(answer(guest).head.size, 64U << 20);
  fs::resize_file(home(guest) / "large", 1);
  for (;;) {
    const auto next = answer(guest);
    if (next.head.problem == FileProblem::none && (next.head.flags & wire::last_piece) == 0)
      continue;
    EXPECT_EQ(next.head.problem, FileProblem::changed);
    break;
  }
}

}  // namespace
}  // namespace caisson
