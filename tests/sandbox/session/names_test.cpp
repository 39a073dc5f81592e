#include "sandbox/session/names.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using nlohmann::json;

json report() {
  return json::parse(R"({
    "names": [{"name": "x", "type": "list", "size": 88, "size_is": "exact", "length": 2,
               "repr": "[1, 2]"},
              {"name": "a", "type": "numpy.ndarray", "size": 400, "size_is": "at_least",
               "shape": [10, 5]}],
    "total": 2,
    "changed": {"block": 3, "added": ["x"], "rebound": [], "deleted": [], "mutated": null}})");
}

TEST(Names, AGoodReportPassesUnchanged) {
  EXPECT_EQ(*checked_names(report()), report());
}

TEST(Names, WhatIsUnknownOrOfAnotherTypeIsTakenOut) {
  auto odd = report();
  odd["extra"] = 1;
  odd["names"][0]["extra"] = 1;
  odd["names"][0]["length"] = -1;
  odd["names"][0]["repr"] = json::object();
  odd["names"][0]["size_is"] = "certain";
  odd["names"][1]["shape"] = {1, "2"};
  odd["changed"]["added"] = {"x", 5};
  odd["changed"]["block"] = "3";
  const json expected = json::parse(R"({
    "names": [{"name": "x", "type": "list"},
              {"name": "a", "type": "numpy.ndarray", "size": 400, "size_is": "at_least"}],
    "total": 2,
    "changed": {"added": ["x"], "rebound": [], "deleted": [], "mutated": null}})");
  EXPECT_EQ(*checked_names(odd), expected);
}

TEST(Names, WhatMustBeThereIsAskedFor) {
  for (const char* key : {"names", "total", "changed"}) {
    auto lacking = report();
    lacking.erase(key);
    EXPECT_EQ(checked_names(lacking).error().code, Errc::protocol) << key;
  }
  auto lacking = report();
  lacking["names"][1].erase("name");
  EXPECT_EQ(checked_names(lacking).error().code, Errc::protocol);
  lacking["names"] = {1, 2};
  EXPECT_FALSE(checked_names(lacking));
  EXPECT_FALSE(checked_names(nullptr));
}

TEST(Names, TheyAreBounded) {
  auto many = report();
  for (int i = 0; i < 1000; ++i) {
    many["names"].push_back(many["names"][0]);
    many["changed"]["added"].push_back("y");
  }
  many["changed"]["deleted"].push_back(std::string(5000, 'z'));
  many["names"][0]["repr"] = std::string(5000, 'r');
  const auto checked = checked_names(many);
  ASSERT_TRUE(checked);
  EXPECT_EQ((*checked)["names"].size(), 500U);
  EXPECT_EQ((*checked)["changed"]["added"].size(), 500U);
  EXPECT_TRUE((*checked)["changed"]["deleted"].empty());
  EXPECT_FALSE((*checked)["names"][0].contains("repr"));
}

}  // namespace
}  // namespace caisson
