// Many blocks, and many sessions at once, in real containers: nothing may add up.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/app/app.h"
#include "sandbox/base/async.h"
#include "sandbox/base/nursery.h"
#include "sandbox/policy/parse.h"
#include "sandbox/session/session.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Of a process that may end meanwhile: then nothing.
std::string read_all(const fs::path& path) {
  std::string text;
  if (std::FILE* file = std::fopen(path.c_str(), "r")) {
    text.resize(16 * 1024);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
  }
  return text;
}

std::size_t entries(const fs::path& path) {
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator at(path, error), end; at != end; at.increment(error)) ++count;
  return count;
}

std::uint64_t status_kilobytes(pid_t pid, std::string_view name) {
  const auto status = read_all("/proc/" + std::to_string(pid) + "/status");
  const auto at = status.find("\n" + std::string(name) + ":");
  return at == status.npos ? 0 : std::stoull(status.substr(at + name.size() + 2));
}

// Inits of ours, by their command line.
std::vector<pid_t> inits() {
  std::vector<pid_t> pids;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    pid_t pid = 0;
    const auto name = entry.path().filename().string();
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    if (read_all(entry.path() / "cmdline").starts_with("/caisson/init")) pids.push_back(pid);
  }
  return pids;
}

std::size_t processes_below(pid_t init) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto text = read_all(entry.path() / "stat");
    const auto end = text.rfind(')');
    int parent = 0;
    if (end != text.npos && std::sscanf(text.c_str() + end + 1, " %*c %d", &parent) == 1 &&
        parent == init)
      ++count;
  }
  return count;
}

struct NoTools final : ToolHost {
  asio::awaitable<Result<nlohmann::json>> call(ToolCall) override {
    co_return Error(Errc::not_found, "no tools");
  }
};

asio::awaitable<std::string> value_of(Session& session, std::string code) {
  NullSink sink;
  NoTools tools;
  Block block;
  block.code = std::move(code);
  const auto outcome =
      co_await session.execute(std::move(block), Deadline::after(2min), sink, tools);
  if (!outcome) co_return outcome.error().message;
  co_return outcome->value.is_object() ? outcome->value.value("text/plain", "") : "";
}

class AppEndurance : public testing::Test {
 protected:
  void SetUp() override {
    config_ = config_from_environment();
    config_.backend = "runc";
    config_.guest_dir = fs::path(CAISSON_BINARY_DIR) / "guest";
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: containers with limits";
    if (!fs::exists(config_.state_dir / "images/python/rootfs")) {
      GTEST_SKIP() << "needs the image: images/python/build";
    }
  }
  Config config_;
};

asio::awaitable<void> many_blocks(App& app, int blocks) {
  const auto before = inits();
  auto policy = load_checked_policy("strict");
  policy->policy.time.session = Millis{};
  auto sandbox = co_await app.start_sandbox(std::move(*policy), Deadline::after(1min));
  EXPECT_TRUE(sandbox) << sandbox.error().message;
  if (!sandbox) co_return;
  {
    auto session =
        co_await (*sandbox)->open_session(nlohmann::json::object(), Deadline::after(1min));
    EXPECT_TRUE(session) << session.error().message;
    pid_t init = 0;
    for (const pid_t pid : inits()) {
      if (std::find(before.begin(), before.end(), pid) == before.end()) init = pid;
    }
    const auto descriptors = [init] { return entries("/proc/" + std::to_string(init) + "/fd"); };
    const auto own_descriptors = entries("/proc/self/fd");
    std::size_t init_descriptors = 0;
    std::uint64_t init_memory = 0;
    std::uint64_t own_memory = 0;
    for (int i = 1; i <= blocks; ++i) {
      // Every hundredth dies, every seventh prints.
      const bool dies = i % 100 == 0;
      const auto value =
          co_await value_of(**session, dies ? "n = -1; import os; os._exit(1)"
                                            : fmt::format("n = globals().get('n', 0) + 1{}\nn",
                                                          i % 7 == 0 ? "; print('x' * 1000)" : ""));
      if (!dies && value != std::to_string(i - i / 100)) {
        ADD_FAILURE() << "block " << i << " gave " << value;
        break;
      }
      if (i == blocks / 10) {
        init_descriptors = descriptors();
        init_memory = status_kilobytes(init, "VmRSS");
        own_memory = status_kilobytes(::getpid(), "VmRSS");
      }
    }
    EXPECT_LE(descriptors(), init_descriptors + 4);
    EXPECT_LE(processes_below(init), 4u) << "zygote, head, checkpoint, one in the making";
    EXPECT_LE(status_kilobytes(init, "VmRSS"), init_memory + 512);
    EXPECT_LE(status_kilobytes(::getpid(), "VmRSS"), own_memory + 4096);
    EXPECT_LE(entries("/proc/self/fd"), own_descriptors + 1);
  }
  co_await (*sandbox)->close(Deadline::after(20s));
}

TEST_F(AppEndurance, TenThousandBlocksInOneSessionLeaveNothingBehind) {
  App app(config_);
  test::run_coro(many_blocks(app, 10000));
}

// What lets 200 of them fit twice into 24 GiB.
CheckedPolicy small_policy() {
  auto policy = load_policy("strict").value();
  policy.resources.memory_max_bytes = 48 << 20;
  policy.resources.pids_max = 16;
  for (auto& mount : policy.filesystem.mounts) mount.size_bytes = 8 << 20;
  auto compiled = compile(policy).value();
  return {std::move(policy), std::move(compiled)};
}

asio::awaitable<void> many_sessions(App& app, std::size_t count) {
  std::vector<std::unique_ptr<Sandbox>> sandboxes(count);
  std::vector<std::unique_ptr<Session>> sessions(count);
  std::size_t next = 0;
  const auto lane = [&]() -> asio::awaitable<void> {
    while (next < count) {
      const auto at = next++;
      auto made = co_await app.start_sandbox(small_policy(), Deadline::after(2min));
      // A host with less memory grants fewer, and says so.
      if (!made && made.error().message.find("does not fit") != std::string::npos) co_return;
      if (!made) {
        ADD_FAILURE() << made.error().message;
        co_return;
      }
      sandboxes[at] = std::move(*made);
      auto session =
          co_await sandboxes[at]->open_session(nlohmann::json::object(), Deadline::after(1min));
      if (session) sessions[at] = std::move(*session);
    }
  };
  {
    Nursery starts(co_await asio::this_coro::executor);
    for (int i = 0; i < 4; ++i) starts.start(lane());
    co_await starts.join();
  }
  EXPECT_GE(
      std::count_if(sessions.begin(), sessions.end(), [](const auto& each) { return !!each; }), 20);
  {
    Nursery blocks(co_await asio::this_coro::executor);
    const auto use = [&](std::size_t at) -> asio::awaitable<void> {
      if (!sessions[at]) co_return;
      EXPECT_EQ(co_await value_of(*sessions[at], fmt::format("n = {}", at)), "");
      EXPECT_EQ(co_await value_of(*sessions[at], "import os; os._exit(1)"), "");
      EXPECT_EQ(co_await value_of(*sessions[at], "n"), std::to_string(at));
    };
    for (std::size_t at = 0; at < count; ++at) blocks.start(use(at));
    co_await blocks.join();
  }
  sessions.clear();
  Nursery ends(co_await asio::this_coro::executor);
  const auto end = [](Sandbox& sandbox) -> asio::awaitable<void> {
    co_await sandbox.close(Deadline::after(2min));
  };
  for (auto& sandbox : sandboxes) {
    if (sandbox) ends.start(end(*sandbox));
  }
  co_await ends.join();
}

TEST_F(AppEndurance, TwoHundredSandboxesAtOnceComeAndGo) {
  const auto before = inits();
  const auto descriptors = entries("/proc/self/fd");
  {
    App app(config_);
    test::run_coro(many_sessions(app, 200));
  }
  EXPECT_EQ(inits(), before);
  EXPECT_LE(entries("/proc/self/fd"), descriptors + 1);
  EXPECT_EQ(entries(config_.state_dir / "bundles"), 0u);
  for (const auto& entry : fs::recursive_directory_iterator(
           "/sys/fs/cgroup", fs::directory_options::skip_permission_denied)) {
    EXPECT_FALSE(entry.is_directory() &&
                 entry.path().filename().string().starts_with("caisson-cs-"))
        << entry.path();
  }
}

}  // namespace
}  // namespace caisson
