// Session::names, save and restore, with the real init and worker.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sandbox/base/async.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/session.h"
#include "tests/support/process_backend.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct NoTools final : ToolHost {
  int calls = 0;
  asio::awaitable<Result<json>> call(ToolCall) override {
    ++calls;
    co_return json(1);
  }
};

using Body = std::function<asio::awaitable<void>(Session&, Sandbox&)>;

class SessionNamesTest : public testing::Test {
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

  void with_session(Body body) { test::run_coro(run(std::move(body))); }

  asio::awaitable<void> run(Body body) {
    SandboxOptions options;
    options.policy = policy_;
    options.guest_dir = test::guest_dir();
    options.guest_mount = options.guest_dir.string();
    options.state_dir = directory_;
    auto sandbox = co_await Sandbox::start(backend_, std::move(options), Deadline::after(30s));
    EXPECT_TRUE(sandbox) << sandbox.error().message;
    if (!sandbox) co_return;
    {
      auto session = co_await (*sandbox)->open_session(json::object(), Deadline::after(30s));
      EXPECT_TRUE(session) << session.error().message;
      if (session) co_await body(**session, **sandbox);
    }
    co_await (*sandbox)->close(Deadline::after(30s));
  }

  asio::awaitable<Outcome> execute(Session& session, std::string code) {
    Block block;
    block.code = std::move(code);
    auto outcome = co_await session.execute(std::move(block), soon(), sink_, tools_);
    EXPECT_TRUE(outcome) << outcome.error().message;
    co_return outcome ? *outcome : Outcome{};
  }

  static Deadline soon() { return Deadline::after(60s); }
  static std::string text(const Outcome& outcome) {
    return outcome.value.is_object() ? outcome.value.value("text/plain", "") : "";
  }

  test::ProcessBackend backend_;
  Policy policy_;
  std::filesystem::path directory_;
  NullSink sink_;
  NoTools tools_;
};

TEST_F(SessionNamesTest, NamesTypesAndSizesAreTold) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "x = [1, 2]\ny = 'größe'\n41 + 1");
    const auto names = co_await session.names(soon());
    EXPECT_TRUE(names) << names.error().message;
    if (!names) co_return;
    EXPECT_EQ((*names)["total"], 2);
    EXPECT_EQ((*names)["names"][0]["type"], "list");
    EXPECT_EQ((*names)["names"][0]["length"], 2);
    EXPECT_EQ((*names)["names"][1]["repr"], "'größe'");
    EXPECT_EQ((*names)["changed"]["added"], (json{"x", "y"}));
    EXPECT_EQ(text(co_await execute(session, "_")), "42");
  });
}

TEST_F(SessionNamesTest, AskingLeavesTheStateUnchanged) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    const auto before = co_await execute(session, "x = 1");
    Block block;
    block.kind = Block::Kind::names;
    block.request = true;
    const auto outcome = co_await session.execute(std::move(block), soon(), sink_, tools_);
    EXPECT_TRUE(outcome);
    if (!outcome) co_return;
    EXPECT_EQ(outcome->status, Status::ok);
    EXPECT_TRUE(outcome->value.is_null());
    EXPECT_EQ(outcome->state, (SessionState{StateChange::unchanged, before.state.checkpoint}));
  });
}

TEST_F(SessionNamesTest, SavedNamesComeBackInAnotherSession) {
  with_session([this](Session& session, Sandbox& sandbox) -> asio::awaitable<void> {
    co_await execute(session,
                     "class P:\n    def __init__(self, v): self.v = v\n"
                     "def double(p): return P(p.v * 2)\np = P(21)\ng = (i for i in 'a')");
    const auto saved = co_await session.save("kept.state", std::nullopt, soon());
    EXPECT_TRUE(saved) << saved.error().message;
    if (!saved) co_return;
    EXPECT_EQ(saved->names, (std::vector<std::string>{"P", "double", "p"}));
    EXPECT_EQ(saved->failed,
              (std::vector<StateReport::Refusal>{{"g", "cannot pickle 'generator' object"}}));
    EXPECT_EQ(saved->bytes, std::filesystem::file_size(directory_ / "kept.state"));

    auto other = co_await sandbox.open_session(json::object(), Deadline::after(30s));
    EXPECT_TRUE(other);
    if (!other) co_return;
    const auto restored = co_await (*other)->restore("kept.state", soon());
    EXPECT_TRUE(restored) << restored.error().message;
    if (!restored) co_return;
    EXPECT_EQ(restored->names, saved->names);
    EXPECT_TRUE(restored->failed.empty());
    EXPECT_EQ(text(co_await execute(**other, "double(p).v")), "42");
  });
}

TEST_F(SessionNamesTest, OnlyTheNamesThatAreAskedForAreSaved) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "a, b = 1, 2");
    const auto saved = co_await session.save("s", std::vector<std::string>{"b", "c"}, soon());
    EXPECT_TRUE(saved);
    if (!saved) co_return;
    EXPECT_EQ(saved->names, std::vector<std::string>{"b"});
    EXPECT_EQ(saved->failed.at(0).reason, "there is no such name");
  });
}

TEST_F(SessionNamesTest, AFileThatIsNoStateIsAnErrorThatSaysSo) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    std::ofstream(directory_ / "other") << "hello";
    const auto restored = co_await session.restore("other", soon());
    EXPECT_FALSE(restored);
    if (!restored) {
      EXPECT_EQ(restored.error(), Error(Errc::bad_input, "other is not a saved state of Caisson"));
    }
    const auto missing = co_await session.restore("missing", soon());
    EXPECT_FALSE(missing);
    if (!missing) EXPECT_EQ(missing.error().code, Errc::not_found);
    const auto nowhere = co_await session.save("/no/where", std::nullopt, soon());
    EXPECT_FALSE(nowhere);
  });
}

TEST_F(SessionNamesTest, SavingRunsWithinTheLimitsOfABlock) {
  policy_.time.block = 300ms;
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session,
                     "class Endless:\n    def __reduce__(self):\n        while True: pass\n"
                     "e, kept = Endless(), 7");
    const auto saved = co_await session.save("s", std::nullopt, soon());
    EXPECT_FALSE(saved);
    if (!saved) EXPECT_EQ(saved.error().code, Errc::timed_out);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "s"));
    EXPECT_EQ(text(co_await execute(session, "kept")), "7");
  });
}

TEST_F(SessionNamesTest, CodeThatRunsWhileSavingReachesNoTools) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session,
                     "import caisson\nclass Caller:\n"
                     "    def __reduce__(self): return str, (caisson.call_tool('pay'),)\n"
                     "c = Caller()");
    const auto saved = co_await session.save("s", std::vector<std::string>{"c"}, soon());
    EXPECT_TRUE(saved);
    if (!saved) co_return;
    EXPECT_TRUE(saved->names.empty());
    EXPECT_NE(saved->failed.at(0).reason.find("cannot be called"), std::string::npos);
    EXPECT_EQ(tools_.calls, 0);
  });
}

}  // namespace
}  // namespace caisson
