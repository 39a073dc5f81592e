#include "sandbox/container/spec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace caisson {
namespace {

Policy policy() {
  Policy wanted;
  wanted.name = "strict";
  wanted.process.user = 10001;
  wanted.process.hostname = "sandbox";
  wanted.resources.pids_max = 32;
  wanted.resources.cpus = 0.5;
  Mount work;
  work.target = "/workspace";
  work.size_bytes = 1 << 20;
  work.inodes = 100;
  wanted.filesystem.mounts = {work};
  return wanted;
}

CompiledPolicy compiled() {
  CompiledPolicy all;
  all.seccomp_json = "{}";
  all.docker_seccomp_json = "{}";
  all.container_memory_bytes = 512 << 20;
  all.rlimits = {{4, 0, 0}};
  return all;
}

ContainerSpec spec() {
  auto made = make_spec(policy(), compiled(), "caisson/python:latest");
  made.id = "cs-1";
  made.guest_dir = "/opt/guest";
  made.channel_dir = "/run/user/1/channel";
  return made;
}

TEST(MakeSpec, TakesLimitsFromThePolicyAndItsCompiledForm) {
  const auto made = spec();
  EXPECT_EQ(made.memory_bytes, 512U << 20);
  EXPECT_EQ(made.cpus, 0.5);
  EXPECT_GT(made.pids, 32U) << "init, zygote and checkpoints are not the policy's";
  EXPECT_LT(made.pids, 50U);
  EXPECT_EQ(made.user, 10001U);
  EXPECT_EQ(made.oom_score_adj, 0) << "init keeps 0; it raises that of the head";
  EXPECT_EQ(made.rlimits, compiled().rlimits);
  EXPECT_EQ(made.mounts, policy().filesystem.mounts);
  EXPECT_EQ(made.labels.at("org.caisson.policy"), "strict");
  EXPECT_TRUE(check_spec(made)) << check_spec(made).error().message;
}

TEST(MakeSpec, IsAFunctionOfItsArguments) {
  EXPECT_EQ(make_spec(policy(), compiled(), "a"), make_spec(policy(), compiled(), "a"));
  EXPECT_NE(make_spec(policy(), compiled(), "a"), make_spec(policy(), compiled(), "b"));
}

struct Wrong {
  const char* name;
  std::function<void(ContainerSpec&)> spoil;
};
class CheckSpec : public testing::TestWithParam<Wrong> {};

TEST_P(CheckSpec, RefusesIt) {
  auto spoiled = spec();
  GetParam().spoil(spoiled);
  const auto result = check_spec(spoiled);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::bad_input);
}

INSTANTIATE_TEST_SUITE_P(
    Each, CheckSpec,
    testing::Values(Wrong{"EmptyId", [](auto& s) { s.id = ""; }},
                    Wrong{"IdWithSlash", [](auto& s) { s.id = "../x"; }},
                    Wrong{"IdLikeAFlag", [](auto& s) { s.id = "--root"; }},
                    Wrong{"LongId", [](auto& s) { s.id.assign(41, 'a'); }},
                    Wrong{"Root", [](auto& s) { s.user = 0; }},
                    Wrong{"UserThatWraps", [](auto& s) { s.user = 0x80000000; }},
                    Wrong{"RootGroup", [](auto& s) { s.group = 0; }},
                    Wrong{"NoProgram", [](auto& s) { s.argv.clear(); }},
                    Wrong{"WorkInProc", [](auto& s) { s.working_dir = "/proc/self/fd/7"; }},
                    Wrong{"RelativeGuest", [](auto& s) { s.guest_dir = "guest"; }},
                    Wrong{"DotDot", [](auto& s) { s.mounts[0].target = "/tmp/../etc"; }},
                    Wrong{"NoSize", [](auto& s) { s.mounts[0].size_bytes = 0; }},
                    Wrong{"NoInodes", [](auto& s) { s.mounts[0].inodes = 0; }},
                    Wrong{"NoMemoryLimit", [](auto& s) { s.memory_bytes = 0; }},
                    Wrong{"NoPidsLimit", [](auto& s) { s.pids = 0; }},
                    Wrong{"NoFilter",
                          [](auto& s) { s.seccomp_json = s.docker_seccomp_json = ""; }}),
    [](const auto& info) { return info.param.name; });

TEST(Spec, AProxyIsRelayedThroughTheChannelsDirectory) {
  Policy policy;
  EXPECT_FALSE(make_spec(policy, {}, "image").proxy);
  policy.network.mode = NetworkMode::proxy;
  const auto made = make_spec(policy, {}, "image");
  EXPECT_TRUE(made.proxy);
  EXPECT_TRUE(made.loopback);
  const std::vector<std::string> relay{"--relay", "/run/caisson/egress.sock", "3128"};
  EXPECT_TRUE(std::equal(relay.rbegin(), relay.rend(), made.argv.rbegin()));
}

TEST(TmpfsOptions, LetTheUserWriteAndNobodyExecute) {
  const auto made = spec();
  auto options = tmpfs_options(made.mounts[0], made);
  const auto has = [&options](const char* option) {
    return std::find(options.begin(), options.end(), option) != options.end();
  };
  for (const char* option : {"nosuid", "nodev", "noexec", "size=1048576", "nr_inodes=100",
                             "uid=10001", "gid=10001", "mode=0700"}) {
    EXPECT_TRUE(has(option)) << option;
  }
  auto mount = made.mounts[0];
  mount.executable = true;
  mount.target = "/tmp";
  options = tmpfs_options(mount, made);
  EXPECT_FALSE(has("noexec"));
  EXPECT_TRUE(has("mode=1777"));
}

}  // namespace
}  // namespace caisson
