#include <gtest/gtest.h>

#include "sandbox/policy/parse.h"
#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

class PolicyError : public testing::TestWithParam<ErrorCase> {};

TEST_P(PolicyError, NamesTheLineTheColumnAndWhatToDo) {
  const auto policy = parse_policy(GetParam().yaml, "mine.yaml");
  EXPECT_EQ(policy ? "" : policy.error().message, GetParam().expected) << GetParam().yaml;
  if (!policy) EXPECT_EQ(policy.error().code, Errc::bad_policy);
}

INSTANTIATE_TEST_SUITE_P(Cases, PolicyError, testing::ValuesIn(read_error_cases("errors.txt")),
                         [](const auto& info) { return test_name(info.param); });

}  // namespace
}  // namespace caisson
