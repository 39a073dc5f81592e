#include "sandbox/container/oci_config.h"

#include <gtest/gtest.h>

#include "sandbox/container/docker_spec.h"
#include "tests/sandbox/container/echo_container.h"

namespace caisson {
namespace {

using nlohmann::json;

ContainerSpec spec() {
  auto made = test::echo_spec("/host", "cs-1");
  made.rlimits.push_back({7, 4096, 8192});
  return made;
}

json config(const ContainerSpec& wanted, const OciHost& host = {}) {
  auto made = oci_config(wanted, host);
  EXPECT_TRUE(made) << made.error().message;
  return made ? *made : json();
}

json mount_at(const json& made, const std::string& target) {
  for (const auto& mount : made["mounts"]) {
    if (mount["destination"] == target) return mount;
  }
  return json();
}

bool has_option(const json& mount, const std::string& option) {
  const auto& options = mount["options"];
  return std::find(options.begin(), options.end(), option) != options.end();
}

TEST(OciConfig, LeavesNoPrivileges) {
  const auto made = config(spec());
  const auto& process = made["process"];
  EXPECT_EQ(process["noNewPrivileges"], true);
  EXPECT_EQ(process["terminal"], false);
  EXPECT_EQ(process["user"], (json{{"uid", 10001}, {"gid", 10002}}));
  for (const char* set : {"bounding", "effective", "inheritable", "permitted", "ambient"}) {
    EXPECT_EQ(process["capabilities"][set], json::array()) << set;
  }
  EXPECT_EQ(made["root"]["readonly"], true);
}

TEST(OciConfig, HasAllNamespacesAndNoPathToAnother) {
  const auto made = config(spec());
  std::set<std::string> types;
  for (const auto& space : made["linux"]["namespaces"]) {
    types.insert(space["type"]);
    EXPECT_FALSE(space.contains("path"));
  }
  EXPECT_EQ(types, (std::set<std::string>{"cgroup", "ipc", "mount", "network", "pid", "uts"}));
}

TEST(OciConfig, LimitsMemoryWithoutSwapProcessesAndTime) {
  const auto made = config(spec());
  const auto& resources = made["linux"]["resources"];
  EXPECT_EQ(resources["memory"]["limit"], 64 << 20);
  EXPECT_EQ(resources["memory"]["swap"], 64 << 20);
  EXPECT_EQ(resources["cpu"]["quota"], 50000);
  EXPECT_EQ(resources["cpu"]["period"], 100000);
  EXPECT_EQ(resources["pids"]["limit"], 20);
  EXPECT_EQ(resources["devices"][0]["allow"], false);
  EXPECT_EQ(made["linux"]["cgroupsPath"], "/caisson-cs-1");
}

TEST(OciConfig, MountsWhatIsSharedAndNothingElse) {
  const auto made = config(spec());
  EXPECT_TRUE(has_option(mount_at(made, "/caisson"), "ro"));
  EXPECT_EQ(mount_at(made, "/caisson")["source"], "/host/guest");
  EXPECT_TRUE(has_option(mount_at(made, "/run/caisson"), "rw"));
  EXPECT_TRUE(has_option(mount_at(made, "/run/caisson"), "noexec"));
  EXPECT_TRUE(has_option(mount_at(made, "/workspace"), "nr_inodes=16"));
  EXPECT_TRUE(has_option(mount_at(made, "/dev"), "ro"));
  EXPECT_TRUE(mount_at(made, "/sys").is_null());
  EXPECT_TRUE(mount_at(made, "/dev/mqueue").is_null());
  EXPECT_EQ(made["mounts"].size(), 6U);
  auto piped = spec();
  use_stdio_channel(piped);
  EXPECT_TRUE(mount_at(config(piped), "/run/caisson").is_null());
}

TEST(OciConfig, MasksWhatDockerLeavesReadable) {
  const auto masked = config(spec())["linux"]["maskedPaths"];
  for (const char* path : {"/proc/kcore", "/proc/keys", "/proc/interrupts", "/proc/kallsyms",
                           "/sys/firmware", "/sys/devices/virtual/powercap", "/dev/mqueue"}) {
    EXPECT_NE(std::find(masked.begin(), masked.end(), path), masked.end()) << path;
  }
}

TEST(OciConfig, CarriesTheFilterAndTheLabels) {
  auto wanted = spec();
  wanted.labels["org.caisson.owner"] = "me";
  const auto made = config(wanted);
  EXPECT_EQ(made["linux"]["seccomp"]["syscalls"][0]["errnoRet"], 38);
  EXPECT_EQ(made["annotations"][sandbox_label], "cs-1");
  EXPECT_EQ(made["annotations"]["org.caisson.owner"], "me");
  wanted.seccomp_json = "not json";
  EXPECT_EQ(oci_config(wanted, {}).error().code, Errc::bad_input);
}

TEST(OciConfig, StaysWithinWhatAnUnprivilegedHostMaySet) {
  OciHost host;
  host.may_raise_limits = false;
  host.oom_score_adj = 100;
  host.own_limits = {{7, 1024, 2000}};
  const auto made = config(spec(), host);
  EXPECT_EQ(made["process"]["rlimits"][2],
            (json{{"type", "RLIMIT_NOFILE"}, {"soft", 2000}, {"hard", 2000}}));
  EXPECT_EQ(made["process"]["oomScoreAdj"], 100);
}

TEST(OciConfig, RootlessMapsOneUserAndAsksForNoCgroups) {
  OciHost host;
  host.rootless = true;
  host.user = {1000, 1001};
  const auto made = config(spec(), host);
  const auto& part = made["linux"];
  EXPECT_EQ(part["uidMappings"],
            json::array({{{"containerID", 0}, {"hostID", 1000}, {"size", 1}}}));
  EXPECT_EQ(part["gidMappings"],
            json::array({{{"containerID", 0}, {"hostID", 1001}, {"size", 1}}}));
  EXPECT_FALSE(part.contains("resources"));
  EXPECT_FALSE(part.contains("cgroupsPath"));
  EXPECT_EQ(made["process"]["user"]["uid"], 0);
  EXPECT_TRUE(has_option(mount_at(made, "/workspace"), "uid=0"));
}

TEST(DockerBody, VolumesOfTheImageBecomeEmptyTmpfs) {
  const DockerImage image{"sha256:1", {"/data", "/workspace"}};
  const auto body = docker_create_body(spec(), image, DockerFacts());
  ASSERT_TRUE(body);
  const auto& tmpfs = (*body)["HostConfig"]["Tmpfs"];
  EXPECT_TRUE(tmpfs["/data"].get<std::string>().starts_with("ro,"));
  EXPECT_NE(tmpfs["/workspace"].get<std::string>().find("size=1048576"), std::string::npos);
  EXPECT_EQ((*body)["Image"], "sha256:1");
}

TEST(DockerBody, AsksForNothingThatTheDaemonLacks) {
  DockerFacts facts;
  facts.memory_limit = facts.cpu_quota = facts.pids_limit = false;
  auto body = docker_create_body(spec(), {"sha256:1", {}}, facts);
  ASSERT_TRUE(body);
  for (const char* field : {"Memory", "MemorySwap", "NanoCpus", "PidsLimit"}) {
    EXPECT_FALSE((*body)["HostConfig"].contains(field)) << field;
  }
  DockerFacts one_core;
  one_core.cpus = 1;
  auto wanted = spec();
  wanted.cpus = 4;
  body = docker_create_body(wanted, {"sha256:1", {}}, one_core);
  ASSERT_TRUE(body);
  EXPECT_EQ((*body)["HostConfig"]["NanoCpus"], 1000000000) << "Docker refuses more than there are";
}

TEST(DockerBody, AnExecutableTmpfsSaysSo) {
  auto wanted = spec();
  wanted.mounts[0].executable = true;
  const auto body = docker_create_body(wanted, {"sha256:1", {}}, DockerFacts());
  ASSERT_TRUE(body);
  const auto options = (*body)["HostConfig"]["Tmpfs"]["/workspace"].get<std::string>();
  EXPECT_TRUE(options.ends_with(",exec")) << options;
}

}  // namespace
}  // namespace caisson
