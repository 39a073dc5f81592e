// A session as the agent sees it: the place where its blocks run.
#pragma once

#include "orchestrator/agent/block_runner.h"
#include "sandbox/session/session.h"

namespace caisson {

class SessionRunner final : public BlockRunner {
 public:
  explicit SessionRunner(Session& session) : session_(session) {}

  boost::asio::awaitable<Result<Outcome>> run(Block block, Deadline deadline, OutputSink& sink,
                                              ToolHost& tools) override {
    return session_.execute(std::move(block), deadline, sink, tools);
  }

 private:
  Session& session_;
};

}  // namespace caisson
