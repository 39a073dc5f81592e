#include "sandbox/session/block_journal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sandbox/base/durable_file.h"

namespace caisson {
namespace {

std::vector<std::string> codes(const JournalContent& content) {
  std::vector<std::string> all;
  for (const auto& block : content.kept) all.push_back(block.code);
  return all;
}

Outcome ended(std::uint64_t number, std::uint32_t live, Status status = Status::ok) {
  Outcome outcome;
  outcome.block = number;
  outcome.status = status;
  outcome.state = {live == number ? StateChange::committed : StateChange::rolled_back, live};
  return outcome;
}

class Journal : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "caisson-XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::filesystem::path path() const { return directory_ / "s.blocks"; }
  static void run(BlockJournal& journal, std::uint64_t number, std::uint32_t live,
                  std::string code) {
    Block block;
    block.code = std::move(code);
    EXPECT_TRUE(journal.begin(number, block));
    EXPECT_TRUE(journal.end(ended(number, live)));
  }
  std::filesystem::path directory_;
};

TEST_F(Journal, KeepsTheBlocksWhoseEffectsAreTheState) {
  auto journal = BlockJournal::open(path()).value();
  run(journal, 1, 1, "a");
  run(journal, 2, 2, "b");
  run(journal, 3, 1, "killed, back to a");
  run(journal, 4, 4, "c");
  EXPECT_EQ(codes(journal.content()), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(BlockJournal::open(path()).value().content(), BlockJournal::peek(path()).value());
  EXPECT_TRUE(journal.went_back(1));
  EXPECT_EQ(codes(BlockJournal::peek(path()).value()), std::vector<std::string>{"a"});
  run(journal, 5, 0, "to the start");
  EXPECT_TRUE(BlockJournal::peek(path()).value().kept.empty());
}

TEST_F(Journal, RemembersWhatToolsAreCalled) {
  auto journal = BlockJournal::open(path()).value();
  Block tools;
  tools.kind = Block::Kind::tools;
  tools.label = "mine.py";
  tools.code = "def f(): ...";
  EXPECT_TRUE(journal.begin(1, tools));
  EXPECT_TRUE(journal.end(ended(1, 1, Status::raised)));
  const auto content = BlockJournal::peek(path()).value();
  const JournalBlock expected{1, "def f(): ...", Block::Kind::tools, "mine.py", "raised"};
  EXPECT_EQ(content.kept, std::vector<JournalBlock>{expected});
}

TEST_F(Journal, ABlockThatNobodySawEndIsOpenUntilItIsSettled) {
  for (const std::uint64_t live : {0U, 1U, 2U}) {
    std::filesystem::remove(path());
    auto journal = BlockJournal::open(path()).value();
    run(journal, 1, 1, "a");
    Block block;
    block.code = "b";
    EXPECT_TRUE(journal.begin(2, block));
    auto next = BlockJournal::open(path()).value();
    ASSERT_TRUE(next.content().open);
    EXPECT_EQ(next.content().open->number, 2U);
    EXPECT_TRUE(next.settle(live));
    EXPECT_EQ(next.content().kept.size(), live);
    EXPECT_FALSE(BlockJournal::peek(path()).value().open);
  }
}

TEST_F(Journal, ALostBlockIsNeitherKeptNorTakesOthersWithIt) {
  auto journal = BlockJournal::open(path()).value();
  run(journal, 1, 1, "a");
  Block block;
  EXPECT_TRUE(journal.begin(2, block));
  auto lost = ended(2, 0, Status::lost);
  lost.state.change = StateChange::lost;
  EXPECT_TRUE(journal.end(lost));
  EXPECT_EQ(codes(BlockJournal::peek(path()).value()), std::vector<std::string>{"a"});
}

TEST_F(Journal, CutAnywhereItIsTheJournalOfAnEarlierMoment) {
  {
    auto journal = BlockJournal::open(path()).value();
    run(journal, 1, 1, "a = '\u00e4\\n'");
    run(journal, 2, 2, "b");
  }
  const auto text = load_file(path(), 1 << 20).value();
  const auto whole = read_journal(text);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    std::ofstream(path(), std::ios::trunc) << text.substr(0, size);
    auto journal = BlockJournal::open(path());
    ASSERT_TRUE(journal);
    EXPECT_LE(journal->content().kept.size(), whole.kept.size());
    run(*journal, 9, 9, "c");
    EXPECT_EQ(codes(BlockJournal::peek(path()).value()).back(), "c") << size;
  }
}

TEST_F(Journal, GarbageIsNoBlock) {
  for (const auto* text : {"\n\n", "[]\n", "{\"begin\": -1}\n", "{\"begin\": \"1\", \"end\": 1}\n",
                           "{\"end\": 7, \"live\": 7}\n", "\xff\n{\"live\": 0}\n"}) {
    EXPECT_TRUE(read_journal(text).kept.empty()) << text;
  }
}

TEST_F(Journal, ItIsFullAtItsLimitAndSaysSo) {
  auto journal = BlockJournal::open(path()).value();
  Block block;
  block.code = std::string(max_journal_bytes / 4, 'x');
  std::uint64_t number = 0;
  Result<void> written = boost::system::in_place_value;
  while (written && number < 10) written = journal.begin(++number, block);
  EXPECT_EQ(number, 4U);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::too_large);
  EXPECT_FALSE(journal.end(ended(number, 1)));
  EXPECT_TRUE(BlockJournal::peek(path()).value().full);
  EXPECT_LE(std::filesystem::file_size(path()), max_journal_bytes + 100);
}

}  // namespace
}  // namespace caisson
