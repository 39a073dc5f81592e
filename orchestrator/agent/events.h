// What happens in a run, as one variant of typed events. Everything that shows, stores or counts
// runs is a reader of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "orchestrator/agent/blocks.h"
#include "orchestrator/chat/message.h"
#include "sandbox/session/outcome.h"
#include "sandbox/session/tool_host.h"

namespace caisson {

// Each event has two names: `name` in the workflow's graph, `type` in JSON.

// The four that steps take and produce.

struct StartEvent {
  static constexpr std::string_view name = "StartEvent", type = "run_started";
  std::string user_input;
};

struct InputEvent {
  static constexpr std::string_view name = "InputEvent", type = "input";
  std::vector<Message> input;  // what the model is asked
};

struct CodeExecutionEvent {
  static constexpr std::string_view name = "CodeExecutionEvent", type = "code";
  std::string code;
  std::vector<std::string> rest;  // blocks of the same reply that run after it
};

// Why a run ended. The names are for programs.
enum class StopReason {
  final_answer,    // "final"
  max_iterations,  // the model was asked as often as is allowed
  max_wall,        // the run's deadline
  max_tokens,      // the run's budget of tokens
  format_errors,   // too many replies in a row without an answer or a block that can run
  refused,         // the model declined
  content_filter,  // the provider cut the reply
  llm_error,
  sandbox_lost,
  cancelled,
  fault,  // something that we rely on is gone (disk); `message` says what
};
const char* name(StopReason reason);

struct StopEvent {
  static constexpr std::string_view name = "StopEvent", type = "stop";
  StopReason reason = StopReason::final_answer;
  std::string result;   // the answer, as far as the model gave one
  std::string message;  // for a person, when the reason is not `final` or the answer has a flaw
};

// The others, in the order in which they usually come.

struct LlmRequestEvent {
  static constexpr std::string_view name = "LlmRequestEvent", type = "llm_request";
  std::uint32_t iteration = 0;  // from 1
  std::string model;
  std::uint64_t messages = 0;
  std::uint64_t estimated_tokens = 0;
};

struct StreamEvent {
  static constexpr std::string_view name = "StreamEvent", type = "stream_delta";
  std::string delta;  // all of a reply in order are its text
  Piece::Part part = Piece::Part::prose;
};

struct ReasoningEvent {
  static constexpr std::string_view name = "ReasoningEvent", type = "reasoning_delta";
  std::string delta;
};

struct LlmUsageEvent {
  static constexpr std::string_view name = "LlmUsageEvent", type = "llm_usage";
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  bool estimated = false;
};

// The text of a reply that was not used as it is.
struct ParseProblemEvent {
  static constexpr std::string_view name = "ParseProblemEvent", type = "parse_problem";
  std::string problem;  // "empty", "truncated", "unclosed", "no_text", "lost_events"
  std::string detail;   // for a person
};

// What the model is told about it.
struct NudgeEvent {
  static constexpr std::string_view name = "NudgeEvent", type = "nudge";
  std::string text;
};

struct OutputEvent {
  static constexpr std::string_view name = "OutputEvent", type = "output";
  OutputStream stream = OutputStream::out;
  std::string text;  // whole characters; control characters are as the code wrote them
};

struct DisplayEvent {
  static constexpr std::string_view name = "DisplayEvent", type = "display";
  nlohmann::json bundle;  // by MIME type
};

struct ToolCallEvent {
  static constexpr std::string_view name = "ToolCallEvent", type = "tool_call_requested";
  std::uint64_t id = 0;
  std::string tool;
  nlohmann::json arguments;
};

struct ToolResultEvent {
  static constexpr std::string_view name = "ToolResultEvent", type = "tool_call_result";
  std::uint64_t id = 0;
  std::string tool;
  nlohmann::json value;
  std::string error;  // empty when there is a value
};

struct ResultEvent {
  static constexpr std::string_view name = "ResultEvent", type = "result";
  Outcome outcome;
  std::string observation;  // what the model is shown of it
};

// Where the session's state stands after a block.
struct CheckpointEvent {
  static constexpr std::string_view name = "CheckpointEvent", type = "checkpoint";
  std::uint32_t checkpoint = 0;
};
struct RollbackEvent {
  static constexpr std::string_view name = "RollbackEvent", type = "rollback";
  std::uint32_t checkpoint = 0;
  std::string reason;
};

// Something had to be left out of what the model is asked.
struct CompactionEvent {
  static constexpr std::string_view name = "CompactionEvent", type = "compaction";
  std::uint32_t shrunk = 0;
  std::uint32_t dropped = 0;
};

struct BudgetWarningEvent {
  static constexpr std::string_view name = "BudgetWarningEvent", type = "budget_warning";
  std::string budget;  // "iterations"
  std::uint64_t left = 0;
};

struct ErrorEvent {
  static constexpr std::string_view name = "ErrorEvent", type = "error";
  std::string where;  // "model", "sandbox"
  std::string message;
};

using EventBody =
    std::variant<StartEvent, InputEvent, CodeExecutionEvent, StopEvent, LlmRequestEvent,
                 StreamEvent, ReasoningEvent, LlmUsageEvent, ParseProblemEvent, NudgeEvent,
                 OutputEvent, DisplayEvent, ToolCallEvent, ToolResultEvent, ResultEvent,
                 CheckpointEvent, RollbackEvent, CompactionEvent, BudgetWarningEvent, ErrorEvent>;

// Which alternative of EventBody an event type is.
using EventType = std::size_t;
template <class Event, std::size_t I = 0>
constexpr EventType event_type() {
  static_assert(I < std::variant_size_v<EventBody>, "not an event");
  if constexpr (std::is_same_v<Event, std::variant_alternative_t<I, EventBody>>) {
    return I;
  } else {
    return event_type<Event, I + 1>();
  }
}
std::string_view event_name(EventType type);         // "InputEvent"
std::string_view json_type(const EventBody& event);  // "input"

struct Event {
  std::string run;
  std::uint64_t sequence = 0;  // from 1, without gaps within a run
  std::chrono::system_clock::time_point time;
  EventBody body;
};

// One object: "run", "seq", "time" (RFC 3339, UTC, milliseconds), "type", and the event's fields.
// Members that are added later do not change those that are there.
nlohmann::json to_json(const Event& event);

// What happened in a run: one of the five seams. Called on the event loop, in order, with each
// event once, before any reader of the log sees it; must not block. What it throws ends the run.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void event(const Event& event) = 0;
};

}  // namespace caisson
