#include "sandbox/policy/parse.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "sandbox/policy/bundled.h"
#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

using Names = std::vector<std::string>;

// A directory with files in it, gone afterwards.
class Directory {
 public:
  Directory() {
    std::string name = testing::TempDir() + "policy.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const std::string& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
    std::ofstream(path_ + "/" + name) << text;
  }
  Result<Policy> load(const std::string& reference) const {
    return load_policy(reference, {path_});
  }

 private:
  std::string path_;
};

std::string message(const Result<Policy>& policy) {
  return policy ? "" : policy.error().message;
}

TEST(Policy, EveryBundledOneLoadsFromAnyDirectory) {
  EXPECT_EQ(bundled_policies().size(), 5U);
  for (const auto& bundled : bundled_policies()) {
    const auto policy = load_policy(std::string(bundled.name), {"/nonexistent"});
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->name, bundled.name);
    EXPECT_FALSE(policy->description.empty());
  }
}

TEST(Policy, WhatAFileDoesNotSayIsAsInStrict) {
  auto policy = parsed("version: 1\n");
  auto strict = loaded("strict");
  EXPECT_EQ(policy.name, "mine");
  policy.name = strict.name;
  policy.description = strict.description;
  policy.origins = strict.origins;
  EXPECT_EQ(policy, strict);
}

TEST(Policy, ReadsEveryKindOfLeaf) {
  const auto policy = parsed(
      "version: 1\n"
      "name: mine\n"
      "process: {user: 20000, umask: \"0022\", exec: allow, write_and_execute: false}\n"
      "resources: {cpus: 0.5, memory: {max: 2Gi}, pids: {max: 10}, rlimits: {stack: 1Mi}}\n"
      "time: {block: 1500ms}\n"
      "output: {stdout: {max_bytes: 1000}, on_exceed: kill}\n"
      "python: {preload: [numpy], aliases: {np: numpy}}\n"
      "network: {mode: loopback}\n"
      "filesystem: {mounts: {/data: {source: /srv/data, type: bind, read_only: true}}}\n");
  EXPECT_EQ(policy.process.user, 20000U);
  EXPECT_EQ(policy.process.umask, 022U);
  EXPECT_EQ(policy.process.exec, Exec::allow);
  EXPECT_FALSE(policy.process.write_and_execute);
  EXPECT_EQ(policy.resources.cpus, 0.5);
  EXPECT_EQ(policy.resources.memory_max_bytes, 2ULL << 30);
  EXPECT_EQ(policy.resources.pids_max, 10U);
  EXPECT_EQ(policy.resources.rlimits.at("stack"), 1U << 20);
  EXPECT_EQ(policy.resources.rlimits.at("nofile"), 256U);
  EXPECT_EQ(policy.time.block, Millis(1500));
  EXPECT_EQ(policy.output.stdout_max_bytes, 1000U);
  EXPECT_EQ(policy.output.on_exceed, Exceed::kill);
  EXPECT_EQ(policy.python.preload, Names{"numpy"});
  EXPECT_EQ(policy.python.aliases.at("np"), "numpy");
  EXPECT_EQ(policy.network.mode, NetworkMode::loopback);
  ASSERT_EQ(policy.filesystem.mounts.size(), 3U);
  const Mount data{Mount::Type::bind, "/data", "/srv/data", 0, 0, true, false};
  EXPECT_EQ(policy.filesystem.mounts.back(), data);
}

TEST(Policy, RulesForHostsMergeByHostAndHaveOrigins) {
  const auto policy = parsed(
      "version: 1\n"
      "extends: [networked]\n"
      "network:\n"
      "  egress:\n"
      "    allow:\n"
      "      api.example.org:\n"
      "        ports: [443]\n"
      "        methods: [GET, HEAD]\n"
      "      gone.example.org:\n");
  EXPECT_EQ(policy.network.mode, NetworkMode::proxy);
  ASSERT_EQ(policy.network.egress.allow.size(), 1U);
  const EgressRule rule{"api.example.org", {443}, {"GET", "HEAD"}, {}};
  EXPECT_EQ(policy.network.egress.allow[0], rule);
  EXPECT_EQ(policy.origins.at("network.egress.allow.api.example.org").line, 6);
  EXPECT_EQ(policy.origins.at("network.egress.allow.api.example.org.methods").line, 8);
  EXPECT_FALSE(policy.origins.contains("network.egress.allow.gone.example.org"));
}

TEST(Policy, ListsReplaceUnlessTheyAddOrRemove) {
  const auto parent = parsed("version: 1\nsyscalls: {deny: [ptrace, bpf, keyctl]}\n");
  ASSERT_EQ(parent.syscalls.deny, (Names{"ptrace", "bpf", "keyctl"}));
  const Directory files;
  files.write("parent.yaml", "version: 1\nsyscalls: {deny: [ptrace, bpf, keyctl]}\n");
  files.write("replaces.yaml", "version: 1\nextends: [./parent.yaml]\nsyscalls: {deny: [mount]}\n");
  files.write("changes.yaml",
              "version: 1\nextends: [./parent.yaml]\nsyscalls: {deny+: [mount, bpf], deny-: "
              "[keyctl]}\n");
  EXPECT_EQ(files.load("replaces.yaml")->syscalls.deny, Names{"mount"});
  EXPECT_EQ(files.load("changes.yaml")->syscalls.deny, (Names{"ptrace", "bpf", "mount"}));
}

TEST(Policy, MapsMergeByKeyAndAnEmptyValueRemovesOne) {
  const auto policy = parsed(
      "version: 1\nenv: {TZ: Europe/Berlin, LANG: }\n"
      "filesystem: {mounts: {/tmp: , /workspace: {size: 1Gi}}}\n");
  EXPECT_EQ(policy.env.at("TZ"), "Europe/Berlin");
  EXPECT_FALSE(policy.env.contains("LANG"));
  EXPECT_TRUE(policy.env.contains("HOME"));
  ASSERT_EQ(policy.filesystem.mounts.size(), 1U);
  EXPECT_EQ(policy.filesystem.mounts[0].size_bytes, 1ULL << 30);
  EXPECT_EQ(policy.filesystem.mounts[0].inodes, 8192U);
}

TEST(Policy, AMountOfAnotherTypeKeepsNothingOfTheOldOne) {
  const auto policy =
      parsed("version: 1\nfilesystem: {mounts: {/tmp: {source: /srv/tmp, type: bind}}}\n");
  const Mount bind{Mount::Type::bind, "/tmp", "/srv/tmp", 0, 0, false, false};
  EXPECT_EQ(policy.filesystem.mounts.back(), bind);
  EXPECT_FALSE(policy.origins.contains("filesystem.mounts./tmp.size"));
}

TEST(Policy, ParentsAreReadInOrderAndEachBeforeItsChild) {
  const Directory files;
  files.write("a.yaml", "version: 1\ntime: {block: 1s, cpu: 1s, idle: 1s}\n");
  files.write("sub/b.yaml", "version: 1\nextends: [../a.yaml]\ntime: {cpu: 2s, idle: 2s}\n");
  files.write("c.yaml", "version: 1\nextends: []\ntime: {idle: 3s}\n");
  files.write("mine.yaml",
              "version: 1\nextends: [standard, sub/b.yaml, ./c.yaml]\ntime: {session: 2h}\n");
  const auto policy = files.load("./mine.yaml");
  ASSERT_TRUE(policy) << message(policy);
  EXPECT_EQ(policy->time.block, Millis(1000));
  EXPECT_EQ(policy->time.cpu, Millis(2000));
  EXPECT_EQ(policy->time.idle, Millis(3000));
  EXPECT_EQ(policy->time.session, Millis(7200000));
  EXPECT_EQ(policy->name, "mine");
}

TEST(Policy, EachLeafKnowsWhoSaidIt) {
  const Directory files;
  files.write("parent.yaml", "version: 1\nextends: standard\ntime:\n  block: 5s\n");
  files.write("mine.yaml",
              "version: 1\nextends: [parent.yaml]\n\nsyscalls:\n  deny+:\n    - inotify_init1\n");
  const auto policy = files.load("mine.yaml");
  ASSERT_TRUE(policy) << message(policy);
  EXPECT_EQ(policy->origins.at("time.block"), (Origin{files.path() + "/parent.yaml", 4, 10}));
  EXPECT_EQ(policy->origins.at("syscalls.deny[inotify_init1]"), (Origin{"mine.yaml", 6, 7}));
  EXPECT_EQ(policy->origins.at("syscalls.deny"), (Origin{"mine.yaml", 5, 3}));
  EXPECT_EQ(policy->origins.at("process.exec").file, "builtin:standard");
  EXPECT_EQ(policy->origins.at("network.mode").file, "builtin:strict");
  EXPECT_GT(policy->origins.at("network.mode").line, 1);
}

TEST(Policy, ACircleOfParentsIsAnErrorWithItsLine) {
  const Directory files;
  files.write("a.yaml", "version: 1\nextends: [b.yaml]\n");
  files.write("b.yaml", "version: 1\nextends:\n  - strict\n  - ./a.yaml\n");
  const auto b = files.path() + "/b.yaml";
  EXPECT_EQ(message(files.load("a.yaml")), b + ":4:5: extends: goes round in a circle: a.yaml -> " +
                                               b + " -> " + files.path() +
                                               "/a.yaml (take one out)");
}

TEST(Policy, AChainThatDoublesIsStopped) {
  const Directory files;
  files.write("f0.yaml", "version: 1\n");
  for (int i = 1; i < 40; ++i) {
    const auto parent = "f" + std::to_string(i - 1) + ".yaml";
    files.write("f" + std::to_string(i) + ".yaml",
                "version: 1\nextends: [" + parent + ", " + parent + "]\n");
  }
  EXPECT_NE(message(files.load("f39.yaml")).find("more than 64 files"), std::string::npos);
}

TEST(Policy, AnErrorInAParentNamesTheParent) {
  const Directory files;
  files.write("parent.yaml", "version: 1\ntime: {block: soon}\n");
  files.write("mine.yaml", "version: 1\nextends: [parent.yaml, parent.yaml]\ntiem: {}\n");
  const auto text = message(files.load("mine.yaml"));
  EXPECT_TRUE(text.starts_with(files.path() + "/parent.yaml:2:15: time.block:")) << text;
  EXPECT_NE(text.find("mine.yaml:3:1: tiem: unknown key (did you mean 'time'?)"), text.npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST(Policy, WhatIsNotThereIsNotFound) {
  const Directory files;
  const auto name = files.load("srict");
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, Errc::not_found);
  EXPECT_EQ(
      name.error().message,
      "there is no policy 'srict' (did you mean 'strict'? bundled: batch, data-science, networked, "
      "standard, strict; "
      "a file needs a '/' or ends in .yaml)");
  const auto file = files.load("./none.yaml");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::not_found);
  EXPECT_EQ(file.error().message,
            "cannot read the policy './none.yaml': No such file or directory");
  EXPECT_EQ(message(load_policy("/dev/zero")),
            "cannot read the policy '/dev/zero': not a regular file");
}

}  // namespace
}  // namespace caisson
