#include "orchestrator/agent/watch_block.h"

#include <utility>

namespace caisson {

namespace {

std::string valid(const std::string& text) {
  Utf8Pieces pieces;
  auto whole = pieces.feed(text);
  return whole + pieces.finish();
}

}  // namespace

void WatchedOutput::output(OutputStream stream, std::string_view bytes) {
  auto text = (stream == OutputStream::out ? out_ : err_).feed(bytes);
  if (!text.empty()) log_.append(OutputEvent{stream, std::move(text)});
}

void WatchedOutput::display(const nlohmann::json& mime_bundle) {
  log_.append(DisplayEvent{mime_bundle});
}

void WatchedOutput::finish() {
  for (const auto stream : {OutputStream::out, OutputStream::err}) {
    auto text = (stream == OutputStream::out ? out_ : err_).finish();
    if (!text.empty()) log_.append(OutputEvent{stream, std::move(text)});
  }
}

boost::asio::awaitable<Result<nlohmann::json>> WatchedTools::call(ToolCall call) {
  const auto id = call.id;
  const auto name = valid(call.name);
  log_.append(ToolCallEvent{id, name, call.arguments});
  auto result = co_await tools_.call(std::move(call));
  if (result) {
    called_.push_back(name);
    log_.append(ToolResultEvent{id, name, *result, ""});
  } else {
    log_.append(ToolResultEvent{id, name, nullptr, result.error().message});
  }
  co_return result;
}

}  // namespace caisson
