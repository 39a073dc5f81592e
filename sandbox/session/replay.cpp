#include "sandbox/session/replay.h"

#include <fmt/format.h>

namespace caisson {

namespace asio = boost::asio;

namespace {

class NoTools final : public ToolHost {
  asio::awaitable<Result<nlohmann::json>> call(ToolCall call) override {
    co_return Error(
        Errc::unavailable,
        fmt::format("host tool '{}' is not called again while a session is rebuilt", call.name));
  }
};

std::string why(const Outcome& outcome) {
  if (outcome.error) return fmt::format(" ({}: {})", outcome.error->type, outcome.error->message);
  return outcome.reason.empty() ? "" : " (" + outcome.reason + ")";
}

}  // namespace

asio::awaitable<Result<Replayed>> replay(Session& session, std::vector<JournalBlock> blocks,
                                         Deadline deadline) {
  Replayed done;
  NullSink silent;
  NoTools tools;
  const auto count = blocks.size();
  for (auto& before : blocks) {
    Block block;
    block.code = std::move(before.code);
    block.kind = before.kind;
    block.label = std::move(before.label);
    auto outcome = co_await session.execute(std::move(block), deadline, silent, tools);
    if (!outcome) co_return outcome.error();
    if (outcome->status == Status::lost) co_return Error(Errc::closed, outcome->reason);
    if (deadline.passed()) {
      co_return Error(Errc::timed_out,
                      fmt::format("running its blocks again takes too long: it was at number {} "
                                  "of {}",
                                  done.blocks + 1, count));
    }
    ++done.blocks;
    const auto now = name(outcome->status);
    if (before.status.empty() || now == before.status) continue;
    done.differences.push_back(fmt::format("block {} of {} ended {} before, and {} now{}",
                                           done.blocks, count, before.status, now, why(*outcome)));
  }
  co_return done;
}

}  // namespace caisson
