// A block's output, value and end on the user's terminal.
#pragma once

#include "sandbox/session/outcome.h"
#include "sandbox/session/tool_host.h"

namespace caisson {

// The block's output as it appears, each stream on ours of the same name.
class TerminalSink final : public OutputSink {
 public:
  void output(OutputStream stream, std::string_view bytes) override;
};

// For commands that have no tools on the host.
class RefusingTools final : public ToolHost {
 public:
  boost::asio::awaitable<Result<nlohmann::json>> call(ToolCall call) override;
};

// What TerminalSink has not shown: the ends of long output, the value, errors and denials.
void print_outcome(const Outcome& outcome);

}  // namespace caisson
