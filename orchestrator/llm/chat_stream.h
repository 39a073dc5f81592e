// One streamed chat completion: bytes in any pieces become deltas and, at the end, what the reply
// was and how it ended. Does no I/O. Takes the dialects of all OpenAI-compatible servers that we
// know, and never throws on what a server sends.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/llm/model.h"
#include "orchestrator/llm/sse.h"

namespace caisson {

// A call that the model asks for in the function-calling protocol, put together from its pieces.
struct ModelToolCall {
  std::uint64_t index = 0;  // as the server numbers them, not always from 0
  std::string id;
  std::string name;
  std::string arguments;         // JSON text, as the model wrote it: may be invalid
  nlohmann::json extra_content;  // null, or what Gemini wants back with the result
};

enum class StreamOutcome {
  ok,               // a finish reason came
  ok_no_finish,     // only the end mark came: the text is whole
  error_in_stream,  // the server reported an error
  truncated,        // the stream ended with neither
  bad_json,         // as truncated, and at least one event was not JSON
};
const char* name(StreamOutcome outcome);

struct ChatResult {
  std::string content;
  std::string reasoning;
  std::string refusal;
  std::optional<std::string> finish;  // as the server wrote it
  nlohmann::json usage;               // null, or the last usage that came
  nlohmann::json error;               // null, or an object
  std::vector<ModelToolCall> tool_calls;
  StreamOutcome outcome = StreamOutcome::truncated;
  std::uint32_t bad_events = 0;  // events that were not JSON: text may be missing
  std::string first_bad_event;   // the beginning of the first of them, at most 200 bytes
  bool any_chunk = false;        // at least one event was a JSON object
};

class ChatStream {
 public:
  // A reply of this size is a server gone wrong: the largest context windows are some 4 MB of text.
  static constexpr std::size_t default_max_reply_bytes = 64U << 20U;

  // Each delta goes to `reader` as soon as its event is complete.
  explicit ChatStream(Model::Reader reader, std::size_t max_reply_bytes = default_max_reply_bytes)
      : reader_(std::move(reader)), max_reply_bytes_(max_reply_bytes) {}

  // Takes the next bytes. `enough` when the reader said so; the deltas after that one are dropped,
  // also on later calls.
  Reading feed(std::string_view bytes);
  // The body has ended.
  Reading end();
  // For a server that answered with one JSON object instead of a stream.
  Reading feed_whole(std::string_view json);

  // The end mark has come: nothing after it counts, no need to read on.
  bool done() const { return done_; }
  // The server reported an error: no need to read on.
  bool failed() const { return !result_.error.is_null() && !result_.error.empty(); }
  // At least one event is there that only a chat completion has (or tries to have).
  bool is_chat() const { return result_.any_chunk || done_ || result_.bad_events > 0; }
  // The reader has been given something: a retry would show it twice.
  bool delivered() const { return delivered_; }

  // What has come so far, with the outcome as if the stream ended here.
  ChatResult result() const;

 private:
  Reading take(std::vector<SseEvent>& events);
  Reading take_event(const SseEvent& event);
  Reading take_choice(const nlohmann::json& choice);
  void take_tool_calls(const nlohmann::json& calls);

  Model::Reader reader_;
  std::size_t max_reply_bytes_;
  SseParser parser_;
  ChatResult result_;
  bool done_ = false;
  bool enough_ = false;
  bool delivered_ = false;
};

}  // namespace caisson
