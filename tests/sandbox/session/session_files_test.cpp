// Files in and out of a session, and what must not get out.
#include <sys/stat.h>

#include <fstream>

#include "tests/sandbox/session/session_fixture.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

class FilesTest : public test::SessionTest {
 protected:
  asio::awaitable<Result<void>> put(Session& session, std::string path, std::string bytes) {
    std::size_t at = 0;
    const auto source = [&](std::size_t most) {
      auto piece = bytes.substr(at, most);
      at += piece.size();
      return piece;
    };
    co_return co_await session.put(std::move(path), source, Deadline::after(30s));
  }
  // The content, or what went wrong.
  asio::awaitable<std::string> get(Session& session, std::string path,
                                   std::uint64_t most = 64 << 20) {
    std::string all;
    const auto sink = [&](std::string_view bytes) -> Result<void> {
      all += bytes;
      return boost::system::in_place_value;
    };
    const auto got = co_await session.get(std::move(path), most, sink, Deadline::after(30s));
    co_return got ? all : "error: " + got.error().message;
  }
};

TEST_F(FilesTest, GoInAndOutAlsoWhileABlockRuns) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    Nursery nursery(co_await asio::this_coro::executor);
    const auto wait = [&]() -> asio::awaitable<void> {
      co_await execute(session,
                       "import os, time\nwhile not os.path.exists('done'): time.sleep(0.01)", 30s);
    };
    nursery.start(wait());
    std::string big;
    for (int i = 0; i < 500000; ++i) big += std::to_string(i) + "\n";
    EXPECT_TRUE(co_await put(session, "deep/er/big.txt", big));
    EXPECT_TRUE(co_await get(session, "deep/er/big.txt") == big);
    EXPECT_TRUE(co_await put(session, "empty", ""));
    EXPECT_EQ(co_await get(session, "empty"), "");
    EXPECT_TRUE(co_await put(session, "done", "x"));
    co_await nursery.join();
    EXPECT_EQ(text(co_await execute(session, "len(open('deep/er/big.txt').read().split())")),
              "500000");
  });
}

TEST_F(FilesTest, F02F08NothingLeadsOut) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(
        session,
        "import os\nos.symlink('/etc/passwd', 'report.csv')\nos.symlink('/etc', 'dir')\n"
        "os.mkdir('.branches'); open('.branches/x', 'w').write('x')");
    for (const char* path : {"report.csv", "dir/passwd", "../x", "/etc/passwd", ".branches/x",
                             "./.branches/x", "a/../../x", ""}) {
      const auto got = co_await get(session, path);
      EXPECT_TRUE(got.starts_with("error: ")) << path << ": " << got;
      const auto sent = co_await put(session, path, "y");
      EXPECT_FALSE(sent) << path;
    }
    EXPECT_NE((co_await get(session, "report.csv")).find("a symbolic link"), std::string::npos);
    EXPECT_EQ(
        text(co_await execute(session, "os.readlink('report.csv'), open('.branches/x').read()")),
        "('/etc/passwd', 'x')");
  });
}

TEST_F(FilesTest, F03AFileThatIsSwappedGivesItsOwnBytesOrAnError) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "open('own', 'w').write('own')");
    Nursery nursery(co_await asio::this_coro::executor);
    const auto swap = [&]() -> asio::awaitable<void> {
      co_await execute(session,
                       "import os\n"
                       "while not os.path.exists('done'):\n"
                       "  os.symlink('/etc/passwd', 'n'); os.rename('n', 'f')\n"
                       "  os.link('own', 'm'); os.rename('m', 'f')\n",
                       60s);
    };
    nursery.start(swap());
    int own = 0;
    // The block may need a while to begin.
    const auto give_up = Deadline::after(30s);
    for (int i = 0; (i < 2000 || own == 0) && !give_up.passed(); ++i) {
      const auto got = co_await get(session, "f");
      own += got == "own" ? 1 : 0;
      EXPECT_TRUE(got == "own" || got.starts_with("error: ")) << got;
    }
    EXPECT_GT(own, 0);
    EXPECT_TRUE(co_await put(session, "done", "x"));
    co_await nursery.join();
  });
}

TEST_F(FilesTest, F04PipesSocketsAndDirectoriesAreNoFiles) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session,
                     "import os, socket\nos.mkfifo('pipe'); os.mkdir('folder')\n"
                     "s = socket.socket(socket.AF_UNIX); s.bind('sock')");
    EXPECT_NE((co_await get(session, "pipe")).find("a pipe"), std::string::npos);
    EXPECT_NE((co_await get(session, "folder")).find("a directory"), std::string::npos);
    EXPECT_NE((co_await get(session, "sock")).find("a socket"), std::string::npos);
    EXPECT_NE((co_await get(session, "nothing")).find("there is no 'nothing'"), std::string::npos);
    for (const char* path : {"pipe", "folder", "sock"}) {
      EXPECT_FALSE(co_await put(session, path, "x")) << path;
    }
  });
}

TEST_F(FilesTest, F06F07NamesAndSizesAreWhatTheyAre) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(
        session,
        "import os\n"
        "open(b'new\\nline', 'w').write('1'); open(b'\\xff\\x1b[2J', 'w').write('2')\n"
        "open('sparse', 'w').truncate(10 << 30)\nos.makedirs('a/b'); open('a/b/c', 'w')\n"
        "os.symlink('/etc', 'link')");
    EXPECT_EQ(co_await get(session, "new\nline"), "1");
    EXPECT_EQ(co_await get(session, "\xff\x1b[2J"), "2");
    EXPECT_NE((co_await get(session, "sparse", 1 << 20)).find("10.0 GiB, more than the 1.0 MiB"),
              std::string::npos);
    const auto all = co_await session.list(".", {5, 1000}, Deadline::after(10s));
    EXPECT_TRUE(all) << all.error().message;
    std::vector<std::string> names;
    for (const auto& file : all->files) {
      if (file.name.find("sandboxes") != 0 && file.name[0] != '.') names.push_back(file.name);
      if (file.name == "link") EXPECT_EQ(file.type, FileInfo::Type::link);
    }
    EXPECT_EQ(names, (std::vector<std::string>{"a", "a/b", "a/b/c", "link", "new\nline", "sparse",
                                               "\xff\x1b[2J"}));
    const auto few = co_await session.list("a", {5, 1}, Deadline::after(10s));
    EXPECT_TRUE(few && few->truncated && few->files.size() == 1);
    EXPECT_EQ(shown_name("\xff\x1b[2J"), "\\xff\\x1b[2J");
  });
}

TEST_F(FilesTest, AnOutcomeSaysWhichOnesItsBlockHasChanged) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto names = [](const std::vector<FileInfo>& files) {
      std::vector<std::string> all;
      for (const auto& file : files) all.push_back(file.name);
      return all;
    };
    using Names = std::vector<std::string>;
    auto files =
        (co_await execute(session,
                          "import os\nos.makedirs('d/e')\nopen('d/e/deep', 'w').write('1')\n"
                          "open('a', 'w').write('12'); open('b', 'w').close()\n"
                          "open('t', 'w').close(); os.remove('t')"))
            .files;
    EXPECT_EQ(names(files.made), (Names{"a", "b", "d/e/deep"}));
    EXPECT_EQ(files.made.at(0).size_bytes, 2U);
    EXPECT_TRUE(files.changed.empty() && files.removed.empty());
    files = (co_await execute(
                 session, "open('d/e/deep', 'a').write('2'); os.remove('b'); os.rename('a', 'c')"))
                .files;
    EXPECT_EQ(names(files.made), Names{"c"});
    EXPECT_EQ(names(files.changed), Names{"d/e/deep"});
    EXPECT_EQ(names(files.removed), (Names{"a", "b"}));
    files = (co_await execute(session, "open('c').read()")).files;
    EXPECT_TRUE(files.made.empty() && files.changed.empty() && files.removed.empty());
    files = (co_await execute(session, "for i in range(1500): open(f'f{i}', 'w').close()")).files;
    EXPECT_EQ(files.made.size(), 1000U);
    EXPECT_EQ(files.more, 500U);
  });
}

TEST_F(FilesTest, AnUploadThatIsCutOffLeavesTheOldFile) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await put(session, "f", "old"));
    int pieces = 0;
    const auto endless = [&](std::size_t most) {
      ++pieces;
      return std::string(most, 'x');
    };
    const auto done = co_await session.put("f", endless, Deadline::after(50ms));
    EXPECT_FALSE(done);
    EXPECT_GT(pieces, 1);
    EXPECT_EQ(co_await get(session, "f"), "old");
    EXPECT_EQ(
        text(co_await execute(session, "import os\n[n for n in os.listdir() if '.part' in n]")),
        "[]");
  });
}

}  // namespace
}  // namespace caisson
