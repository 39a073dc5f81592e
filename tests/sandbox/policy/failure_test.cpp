#include "sandbox/policy/failure.h"

#include <errno.h>
#include <gtest/gtest.h>

#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

struct Explained : testing::Test {
  Policy policy = loaded("strict");
  CompiledPolicy compiled = compile(policy).value();

  std::optional<DenialText> of(int error, std::string path = "") {
    return explain_failure(policy, compiled, {error, std::move(path)});
  }
};
using FailureTest = Explained;

TEST_F(FailureTest, AHiddenPathIsLandlock) {
  const auto text = of(EACCES, "/proc/1/environ");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->layer, "landlock");
  EXPECT_EQ(text->subject, "reading /proc/1/environ");
  EXPECT_TRUE(text->rule.starts_with("filesystem.read (builtin:strict:")) << text->rule;
  EXPECT_EQ(text->fix, "");
  EXPECT_EQ(of(EACCES, "/srv/data")->fix, "filesystem.read+: [/srv/data]");
}

TEST_F(FailureTest, AFileThatThePolicyGrantsIsNotOurDenial) {
  EXPECT_FALSE(of(EACCES, "/workspace/mine"));
  EXPECT_FALSE(of(EROFS, "/workspace/mine"));
  EXPECT_FALSE(of(ENOENT, "/proc/1/environ"));
}

TEST_F(FailureTest, AReadOnlyPlaceIsTheMountsAffair) {
  const auto text = of(EROFS, "/usr/lib/x");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->layer, "mount");
  EXPECT_TRUE(text->rule.starts_with("filesystem.mounts (")) << text->rule;
}

TEST_F(FailureTest, AFullMountIsNamedWithItsSize) {
  const auto text = of(ENOSPC, "/tmp/a/b");
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->rule.starts_with("filesystem.mounts./tmp.size (")) << text->rule;
  EXPECT_FALSE(of(ENOSPC, "/usr/x"));
  EXPECT_TRUE(of(ENOSPC));
}

TEST_F(FailureTest, LimitsHaveTheirValueAndLine) {
  const std::pair<int, const char*> limits[] = {{EMFILE, "resources.rlimits.nofile: 256 ("},
                                                {EFBIG, "resources.rlimits.fsize: 128Mi ("},
                                                {EAGAIN, "resources.pids.max: 64 ("},
                                                {ENOMEM, "resources.memory.max: 512Mi ("}};
  for (const auto& [error, rule] : limits) {
    ASSERT_TRUE(of(error)) << error;
    EXPECT_TRUE(of(error)->rule.starts_with(rule)) << of(error)->rule;
  }
}

TEST_F(FailureTest, AClaimThatIsNoPathIsNothing) {
  EXPECT_FALSE(of(EACCES, ""));
  EXPECT_FALSE(of(EACCES, "relative"));
  EXPECT_FALSE(of(EACCES, "/" + std::string(5000, 'x')));
  EXPECT_FALSE(of(-1, "/proc/1/environ"));
  EXPECT_FALSE(of(1 << 30));
}

TEST_F(FailureTest, AnEndNamesTheCallersLimitWhenThatWasTighter) {
  EXPECT_TRUE(explain_end(policy, BlockLimit::wall, false).rule.starts_with("time.block: 10s ("));
  EXPECT_TRUE(explain_end(policy, BlockLimit::cpu, true).rule.starts_with("a limit of the caller"));
  EXPECT_TRUE(
      explain_end(policy, BlockLimit::output, false).rule.starts_with("output.total.max_bytes: "));
}

}  // namespace
}  // namespace caisson
