#include "sandbox/policy/schema.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "sandbox/policy/fields.h"

namespace caisson {
namespace {

std::set<std::string> all_keys() {
  std::set<std::string> keys;
  for (const auto& field : policy_fields()) {
    keys.insert(field.path);
    if (field.table == nullptr) continue;
    for (const auto& leaf : field.table->leaves) keys.insert(field.path + ".*." + leaf.name);
  }
  return keys;
}

TEST(Schema, TheOneInTheRepositoryIsThatOfTheCode) {
  std::stringstream kept;
  kept << std::ifstream(CAISSON_SOURCE_DIR "/policies/schema.json").rdbuf();
  EXPECT_TRUE(kept.str() == policy_schema().dump(2) + "\n")
      << "renew it: build/release/caisson policy schema > policies/schema.json";
}

TEST(Schema, EveryKeyHasItsRowInTheReadme) {
  const auto rows = described_keys();
  for (const auto& key : all_keys()) {
    const auto row = rows.find(key);
    EXPECT_NE(row, rows.end()) << key << " is not in a table of policies/README.md";
  }
}

TEST(Schema, EveryRowOfTheReadmeIsAKey) {
  const auto keys = all_keys();
  for (const auto& [key, meaning] : described_keys()) {
    EXPECT_TRUE(keys.contains(key)) << key << " is in policies/README.md and nowhere else";
  }
}

}  // namespace
}  // namespace caisson
