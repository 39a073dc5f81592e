// Sandboxes of plain processes in a temporary state directory: see process_backend.h.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "sandbox/base/async.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/session.h"
#include "tests/support/process_backend.h"
#include "tests/support/run_coro.h"

namespace caisson::test {

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "caisson-XXXXXX";
    directory_ = ::mkdtemp(path.data());
    policy_.resources.memory_max_bytes = 1 << 30;
    policy_.runtime.landlock = Need::off;
    policy_.runtime.notify = Need::off;
    policy_.process.working_dir = directory_.string();
    policy_.time.kill_grace = std::chrono::milliseconds(200);
    policy_.env = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  SandboxOptions options() const {
    SandboxOptions options;
    options.policy = policy_;
    options.compiled.container_memory_bytes = 1 << 30;
    options.guest_dir = guest_dir();
    options.guest_mount = options.guest_dir.string();
    options.state_dir = directory_;
    return options;
  }

  asio::awaitable<std::unique_ptr<Sandbox>> start() {
    auto sandbox = co_await Sandbox::start(backend_, options(), Deadline::after(minute));
    EXPECT_TRUE(sandbox) << sandbox.error().message;
    co_return sandbox ? std::move(*sandbox) : nullptr;
  }

  asio::awaitable<Outcome> execute(Session& session, std::string code) {
    Block block;
    block.code = std::move(code);
    auto outcome =
        co_await session.execute(std::move(block), Deadline::after(minute), sink_, tools_);
    EXPECT_TRUE(outcome) << outcome.error().message;
    co_return outcome ? *outcome : Outcome{};
  }

  asio::awaitable<std::string> value(Session& session, std::string code) {
    const auto outcome = co_await execute(session, std::move(code));
    co_return outcome.value.is_object() ? outcome.value.value("text/plain", "") : "";
  }

  static constexpr auto minute = std::chrono::minutes(1);

  struct Nothing final : ToolHost {
    asio::awaitable<Result<nlohmann::json>> call(ToolCall) override {
      co_return Error(Errc::not_found, "no tools here");
    }
  };
  ProcessBackend backend_;
  Policy policy_;
  std::filesystem::path directory_;
  NullSink sink_;
  Nothing tools_;
};

}  // namespace caisson::test
