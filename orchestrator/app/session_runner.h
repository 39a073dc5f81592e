// A session as the agent sees it: the place where its blocks run, with the user's functions in it.
#pragma once

#include <string>
#include <vector>

#include "orchestrator/agent/block_runner.h"
#include "orchestrator/tools/tool_set.h"
#include "sandbox/session/session.h"

namespace caisson {

// A file of the user's functions.
struct ToolFile {
  std::string label;  // "arithmetic.py", its name in tracebacks
  std::string code;
};

class SessionRunner final : public BlockRunner {
 public:
  SessionRunner(Session& session, std::vector<ToolFile> files)
      : session_(session), files_(std::move(files)) {}

  // Defines the functions of all files in the session. Errors: bad_input, with what Python said;
  // closed.
  boost::asio::awaitable<Result<ToolSet>> load_tools();

  // A block that took the session back to its start took the functions with it: they are defined
  // again before the next one.
  boost::asio::awaitable<Result<Outcome>> run(Block block, Deadline deadline, OutputSink& sink,
                                              ToolHost& tools) override;

 private:
  Session& session_;
  const std::vector<ToolFile> files_;
  bool tools_gone_ = false;
};

}  // namespace caisson
