// A session behind the real init and worker, without a container.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <string>

#include "sandbox/base/async.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/sandbox_dir.h"
#include "sandbox/session/session.h"
#include "tests/support/process_backend.h"
#include "tests/support/run_coro.h"

namespace caisson::test {

using namespace std::chrono_literals;
using nlohmann::json;

struct CollectingSink final : OutputSink {
  std::string text;
  void output(OutputStream, std::string_view bytes) override { text += bytes; }
};

struct EchoTools final : ToolHost {
  int calls = 0;
  asio::awaitable<Result<json>> call(ToolCall call) override {
    ++calls;
    if (call.name == "hang") co_await sleep_for(1h);
    if (call.name == "fail") co_return Error(Errc::bad_input, "no such city: Atlantis");
    co_return json{{"name", call.name}, {"got", call.arguments}};
  }
};

// What a test does with a session.
using Body = std::function<asio::awaitable<void>(Session&, Sandbox&)>;

class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "caisson-XXXXXX";
    directory_ = ::mkdtemp(path.data());
    policy_.resources.memory_max_bytes = 1 << 30;
    policy_.runtime.landlock = Need::off;
    policy_.runtime.notify = Need::off;
    policy_.process.working_dir = directory_.string();
    policy_.time.kill_grace = 200ms;
    policy_.env = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void with_session(Body body) { run_coro(run(std::move(body))); }

  asio::awaitable<void> run(Body body) {
    SandboxOptions options;
    options.policy = policy_;
    options.guest_dir = guest_dir();
    options.guest_mount = options.guest_dir.string();
    options.state_dir = directory_;
    auto sandbox = co_await Sandbox::start(backend_, std::move(options), Deadline::after(30s));
    EXPECT_TRUE(sandbox) << sandbox.error().message;
    if (!sandbox) co_return;
    {
      auto session = co_await (*sandbox)->open_session(json{{"seed", 41}}, Deadline::after(30s));
      EXPECT_TRUE(session) << session.error().message;
      if (session) co_await body(**session, **sandbox);
    }
    co_await (*sandbox)->close(Deadline::after(30s));
    EXPECT_TRUE(find_orphans(directory_).empty());
  }

  asio::awaitable<Outcome> execute(Session& session, std::string code,
                                   std::chrono::milliseconds wall = 0ms) {
    Block block;
    block.code = std::move(code);
    block.wall = wall;
    auto outcome = co_await session.execute(std::move(block), Deadline::after(60s), sink_, tools_);
    EXPECT_TRUE(outcome) << outcome.error().message;
    co_return outcome ? *outcome : Outcome{};
  }

  static std::string text(const Outcome& outcome) {
    return outcome.value.is_object() ? outcome.value.value("text/plain", "") : "";
  }

  ProcessBackend backend_;
  Policy policy_;
  std::filesystem::path directory_;
  CollectingSink sink_;
  EchoTools tools_;
};

}  // namespace caisson::test
