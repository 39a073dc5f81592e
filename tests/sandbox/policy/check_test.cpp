#include "sandbox/policy/check.h"

#include <gtest/gtest.h>

#include "sandbox/policy/compile.h"
#include "sandbox/policy/parse.h"
#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

class PolicyFinding : public testing::TestWithParam<ErrorCase> {};

TEST_P(PolicyFinding, NamesTheLineTheColumnAndWhatToDo) {
  const auto policy = parsed(GetParam().yaml);
  const auto findings = check(policy);
  EXPECT_EQ(to_text(findings), GetParam().expected) << GetParam().yaml;
  EXPECT_EQ(compile(policy).has_error(), has_errors(findings));
}

INSTANTIATE_TEST_SUITE_P(Cases, PolicyFinding, testing::ValuesIn(read_error_cases("findings.txt")),
                         [](const auto& info) { return test_name(info.param); });

TEST(Check, BundledPoliciesHaveNeitherErrorsNorWarnings) {
  for (const auto* name : {"strict", "standard", "data-science", "networked", "batch"}) {
    for (const auto& finding : check(loaded(name))) {
      EXPECT_EQ(finding.severity, Severity::note) << to_text(finding);
    }
  }
}

TEST(Check, APolicyThatNobodyWroteIsRefusedWithoutALine) {
  const auto result = compile(Policy{});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::bad_policy);
  EXPECT_NE(result.error().message.find("resources.memory.max: there must be a limit (try 512Mi)"),
            std::string::npos);
}

// What would hand over the host, each in the spelling that somebody would try.
TEST(Check, NoPathOfTheHostThatMattersCanBeMounted) {
  for (const auto* source : {"/var/run/docker.sock",
                             "/run/docker.sock",
                             "/srv/docker.sock",
                             "/run/containerd/containerd.sock",
                             "/srv/podman/podman.sock",
                             "/",
                             "/proc",
                             "/proc/1/root",
                             "/sys",
                             "/sys/fs/cgroup",
                             "/etc",
                             "/etc/ssl",
                             "/dev",
                             "/dev/sda",
                             "/boot",
                             "/root",
                             "/root/.ssh",
                             "/home",
                             "/home/ann",
                             "/run",
                             "/run/user/1000",
                             "/var/run",
                             "/var",
                             "/usr",
                             "/var/lib/docker",
                             "/var/lib/docker/overlay2",
                             "/var/lib/kubelet/pods",
                             "/srv/../etc",
                             "/srv/./x",
                             "//etc",
                             "/srv//x",
                             "/srv/",
                             "srv",
                             "",
                             "/srv/\x01"}) {
    auto policy = loaded("strict");
    policy.filesystem.mounts.push_back({Mount::Type::bind, "/data", source, 0, 0, true, false});
    EXPECT_TRUE(has_errors(check(policy))) << source;
  }
  for (const auto* source : {"/srv/data", "/home/ann/data", "/var/lib/data", "/etcetera"}) {
    auto policy = loaded("strict");
    policy.filesystem.mounts.push_back({Mount::Type::bind, "/data", source, 0, 0, true, false});
    EXPECT_TRUE(check(policy).empty()) << source << ": " << to_text(check(policy));
  }
}

TEST(Check, NothingCanBeMountedOverWhatIsOurs) {
  for (const auto* target :
       {"/", "/proc", "/proc/self", "/sys", "/dev", "/dev/shm/x/..", "/etc", "/usr/lib", "/caisson",
        "/caisson/init", "/run/caisson", "data", "/a/"}) {
    auto policy = loaded("strict");
    policy.filesystem.mounts.push_back({Mount::Type::tmpfs, target, "", 4096, 10, false, false});
    EXPECT_TRUE(has_errors(check(policy))) << target;
  }
}

}  // namespace
}  // namespace caisson
