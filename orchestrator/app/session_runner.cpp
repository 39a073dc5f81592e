#include "orchestrator/app/session_runner.h"

#include <fmt/format.h>

namespace caisson {

namespace asio = boost::asio;

asio::awaitable<Result<ToolSet>> SessionRunner::load_tools() {
  ToolSet tools;
  NoHostTools host(tools);
  NullSink sink;
  for (const auto& file : files_) {
    Block block;
    block.kind = Block::Kind::tools;
    block.label = file.label;
    block.code = file.code;
    auto outcome = co_await session_.execute(std::move(block), Deadline::never(), sink, host);
    if (!outcome) co_return outcome.error();
    if (outcome->status == Status::lost) co_return Error(Errc::closed, outcome->reason);
    if (outcome->status != Status::ok) {
      const auto why = outcome->error ? outcome->error->traceback : outcome->reason;
      co_return Error(Errc::bad_input,
                      fmt::format("{} cannot be used as tools:\n{}", file.label, why));
    }
    if (auto added = tools.add_loaded(outcome->loaded); !added) co_return added.error();
  }
  tools_gone_ = false;
  co_return tools;
}

asio::awaitable<Result<Outcome>> SessionRunner::run(Block block, Deadline deadline,
                                                    OutputSink& sink, ToolHost& tools) {
  if (tools_gone_) {
    if (auto loaded = co_await load_tools(); !loaded) co_return loaded.error();
  }
  auto outcome = co_await session_.execute(std::move(block), deadline, sink, tools);
  if (outcome && outcome->state.change == StateChange::rolled_back) {
    tools_gone_ = outcome->state.checkpoint == 0;
  }
  co_return outcome;
}

}  // namespace caisson
