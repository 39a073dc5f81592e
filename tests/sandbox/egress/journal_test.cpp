#include "sandbox/egress/journal.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace caisson {
namespace {

TEST(EgressJournal, SumsSurviveTheProcessAndALineThatWasCut) {
  std::string directory = testing::TempDir() + "journal-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const auto path = egress_journal_path(directory, "cs-1");
  EgressRecord record{"GET", "api.example.org", 80, "11.0.0.1", "allowed", "rule", 200, 10, 20, 3};
  {
    auto journal = EgressJournal::open(path);
    ASSERT_TRUE(journal);
    journal->set_session("mine");
    journal->write(record);
    record.verdict = "denied_host";
    journal->write(record);
    record.verdict = "failed";
    journal->write(record);
  }
  std::ofstream(path, std::ios::app) << "{\"verdict\": \"all";
  const EgressTotals expected{3, 1, 1, 30, 60};
  EXPECT_EQ(read_egress_totals(path), expected);
  const auto again = EgressJournal::open(path);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->totals(), expected);
  EXPECT_EQ(to_json(expected)["refused"], 1);
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  EXPECT_EQ(nlohmann::json::parse(line)["session"], "mine");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace caisson
