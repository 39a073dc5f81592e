// A block while it runs, as events: its output, displays and calls of host tools.
#pragma once

#include <string>
#include <vector>

#include "orchestrator/agent/clean_text.h"
#include "orchestrator/agent/event_log.h"
#include "sandbox/session/tool_host.h"

namespace caisson {

class WatchedOutput final : public OutputSink {
 public:
  explicit WatchedOutput(EventLog& log) : log_(log) {}
  void output(OutputStream stream, std::string_view bytes) override;
  void display(const nlohmann::json& mime_bundle) override;
  // The block has ended: what is left of a cut character.
  void finish();

 private:
  EventLog& log_;
  Utf8Pieces out_;
  Utf8Pieces err_;
};

class WatchedTools final : public ToolHost {
 public:
  WatchedTools(EventLog& log, ToolHost& tools) : log_(log), tools_(tools) {}
  boost::asio::awaitable<Result<nlohmann::json>> call(ToolCall call) override;
  // Tools that were called and not refused, in order.
  const std::vector<std::string>& called() const { return called_; }

 private:
  EventLog& log_;
  ToolHost& tools_;
  std::vector<std::string> called_;
};

}  // namespace caisson
