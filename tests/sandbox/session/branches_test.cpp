// Going back, branching, trying: what a session can do with its checkpoints.
#include "tests/sandbox/session/session_fixture.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

const char* const dies = "import os\nos._exit(3)";

class BranchesTest : public test::SessionTest {
 protected:
  static Block block(std::string code) {
    Block made;
    made.code = std::move(code);
    return made;
  }
};

TEST_F(BranchesTest, ABlockThatDiesCostsItsOwnEffectsOnly) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "a = list(range(1000))");
    const auto outcome = co_await execute(session, std::string("a.clear()\n") + dies);
    EXPECT_EQ(outcome.status, Status::exited);
    EXPECT_EQ(outcome.state, (SessionState{StateChange::rolled_back, 1}));
    EXPECT_EQ(text(co_await execute(session, "len(a)")), "1000");
  });
}

TEST_F(BranchesTest, RollbackGoesToAKeptBlockAndSaysWhichThereAre) {
  policy_.session.checkpoints = 2;
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    for (const char* code : {"n = 1", "n = 2", "n = 3"}) co_await execute(session, code);
    const auto gone = co_await session.rollback(1, Deadline::after(10s));
    EXPECT_FALSE(gone);
    if (!gone) {
      EXPECT_EQ(gone.error().code, Errc::not_found);
      EXPECT_NE(gone.error().message.find("at #3"), std::string::npos) << gone.error().message;
    }
    const auto back = co_await session.rollback(2, Deadline::after(10s));
    EXPECT_TRUE(back);
    EXPECT_EQ(session.state(), (SessionState{StateChange::rolled_back, 2}));
    EXPECT_EQ(text(co_await execute(session, "n")), "2");
  });
}

TEST_F(BranchesTest, AnExceptionCanUndoItsBlock) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "n = 1");
    auto careful = block("n = 2\n1 / 0");
    careful.on_error = Block::OnError::rollback;
    auto outcome = co_await session.execute(careful, Deadline::after(10s), sink_, tools_);
    EXPECT_EQ(outcome->status, Status::raised);
    EXPECT_EQ(outcome->state, (SessionState{StateChange::rolled_back, 1}));
    EXPECT_EQ(text(co_await execute(session, "n")), "1");
    careful.code = "n = 3";
    outcome = co_await session.execute(careful, Deadline::after(10s), sink_, tools_);
    EXPECT_EQ(outcome->state, (SessionState{StateChange::committed, 4}));
    co_await execute(session, dies);
    EXPECT_EQ(text(co_await execute(session, "n")), "3");
  });
}

TEST_F(BranchesTest, WithoutCheckpointsAnExceptionKeepsItsEffectsAndSaysSo) {
  policy_.session.checkpoints = 0;
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "n = 1");
    auto careful = block("n = 2\n1 / 0");
    careful.on_error = Block::OnError::rollback;
    const auto outcome = co_await session.execute(careful, Deadline::after(10s), sink_, tools_);
    EXPECT_NE(outcome->guarantees.value("on_error", "").find("session.checkpoints"),
              std::string::npos)
        << outcome->guarantees;
    EXPECT_EQ(text(co_await execute(session, "n")), "2");
  });
}

TEST_F(BranchesTest, ABranchGoesItsOwnWay) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "n = [1]\nopen('f', 'w').write('one')");
    auto branch = co_await session.branch(Deadline::after(10s));
    EXPECT_TRUE(branch) << branch.error().message;
    if (!branch) co_return;
    co_await execute(**branch, "n.append(2)\nopen('f', 'a').write(' two')");
    EXPECT_EQ(text(co_await execute(**branch, "n, open('f').read()")), "([1, 2], 'one two')");
    EXPECT_EQ(text(co_await execute(session, "n, open('f').read()")), "([1], 'one')");
    (*branch)->close();
    const auto after = co_await (*branch)->execute(block("1"), Deadline::after(1s), sink_, tools_);
    EXPECT_FALSE(after);
    EXPECT_EQ(text(co_await execute(session, "n")), "[1]");
  });
}

TEST_F(BranchesTest, ADryRunLeavesNothing) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "n = 1\nimport os");
    const auto outcome = co_await session.dry_run(block("n = 2\nopen('f', 'w').close()\nn"),
                                                  Deadline::after(10s), sink_, tools_);
    EXPECT_TRUE(outcome);
    EXPECT_EQ(text(*outcome), "2");
    EXPECT_EQ(outcome->state, (SessionState{StateChange::unchanged, 1}));
    EXPECT_EQ(text(co_await execute(session, "n, os.path.exists('f')")), "(1, False)");
  });
}

TEST_F(BranchesTest, TheBestOfSeveralBecomesTheState) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "n = 1\nimport os\nopen('old', 'w').close()");
    const auto choice = co_await session.best_of(
        {block("n = 5"), block("n = 9\nos.remove('old'); open('new', 'w').close()"), block("n = 7"),
         block("1 / 0"), block("os._exit(1)")},
        "n", Deadline::after(30s), tools_);
    EXPECT_TRUE(choice) << choice.error().message;
    if (!choice) co_return;
    EXPECT_EQ(choice->chosen, std::optional<std::size_t>(1));
    EXPECT_EQ(choice->candidates[0].score, std::optional<double>(5));
    EXPECT_EQ(choice->candidates[3].outcome.status, Status::raised);
    EXPECT_EQ(choice->candidates[4].outcome.status, Status::exited);
    EXPECT_EQ(text(co_await execute(session, "n, os.path.exists('old'), os.path.exists('new')")),
              "(9, False, True)");
    EXPECT_EQ(text(co_await execute(session, "os.path.exists('/workspace/.branches/2')")), "False");
    co_await execute(session, dies);
    EXPECT_EQ(text(co_await execute(session, "n")), "9");
  });
}

TEST_F(BranchesTest, WhenNoneIsGoodNothingChanges) {
  with_session([this](Session& session, Sandbox&) -> asio::awaitable<void> {
    co_await execute(session, "n = 1");
    const auto choice = co_await session.best_of({block("n = 2"), block("n = 3")}, "n > 5",
                                                 Deadline::after(30s), tools_);
    EXPECT_TRUE(choice);
    EXPECT_FALSE(choice->chosen);
    EXPECT_EQ(text(co_await execute(session, "n")), "1");
    const auto none = co_await session.best_of({}, "n", Deadline::after(1s), tools_);
    EXPECT_FALSE(none);
  });
}

}  // namespace
}  // namespace caisson
