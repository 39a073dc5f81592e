#include "orchestrator/agent/events.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <utility>

namespace caisson {

using nlohmann::json;

namespace {

template <std::size_t... I>
constexpr auto names(std::index_sequence<I...>) {
  return std::array{std::variant_alternative_t<I, EventBody>::name...};
}

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = static_cast<std::time_t>(since.count() / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", text.data(), since.count() % 1000);
}

const char* name(Piece::Part part) {
  switch (part) {
    case Piece::Part::prose:
      return "prose";
    case Piece::Part::block:
      return "block";
    case Piece::Part::reasoning:
      return "reasoning";
  }
  return "prose";
}

json fields(const StartEvent& it) {
  return {{"user_input", it.user_input}};
}

json fields(const InputEvent& it) {
  json messages = json::array();
  for (const auto& message : it.input) {
    messages.push_back({{"role", name(message.role)}, {"content", message.content}});
  }
  return {{"input", std::move(messages)}};
}

json fields(const CodeExecutionEvent& it) {
  json all = {{"code", it.code}};
  if (!it.rest.empty()) all["rest"] = it.rest;
  return all;
}

json fields(const StopEvent& it) {
  json all = {{"reason", name(it.reason)}, {"result", it.result}};
  if (!it.message.empty()) all["message"] = it.message;
  return all;
}

json fields(const LlmRequestEvent& it) {
  return {{"iteration", it.iteration},
          {"model", it.model},
          {"messages", it.messages},
          {"estimated_tokens", it.estimated_tokens}};
}

json fields(const StreamEvent& it) {
  return {{"delta", it.delta}, {"part", name(it.part)}};
}

json fields(const ReasoningEvent& it) {
  return {{"delta", it.delta}};
}

json fields(const LlmUsageEvent& it) {
  return {{"prompt_tokens", it.prompt_tokens},
          {"completion_tokens", it.completion_tokens},
          {"estimated", it.estimated}};
}

json fields(const ParseProblemEvent& it) {
  return {{"problem", it.problem}, {"detail", it.detail}};
}

json fields(const NudgeEvent& it) {
  return {{"text", it.text}};
}

json fields(const OutputEvent& it) {
  return {{"stream", it.stream == OutputStream::out ? "stdout" : "stderr"}, {"text", it.text}};
}

json fields(const DisplayEvent& it) {
  return {{"bundle", it.bundle}};
}

json fields(const ToolCallEvent& it) {
  return {{"id", it.id}, {"tool", it.tool}, {"arguments", it.arguments}};
}

json fields(const ToolResultEvent& it) {
  json all = {{"id", it.id}, {"tool", it.tool}};
  if (it.error.empty()) {
    all["value"] = it.value;
  } else {
    all["error"] = it.error;
  }
  return all;
}

json fields(const ResultEvent& it) {
  return {{"outcome", to_json(it.outcome)}, {"observation", it.observation}};
}

json fields(const CheckpointEvent& it) {
  return {{"checkpoint", it.checkpoint}};
}

json fields(const RollbackEvent& it) {
  return {{"checkpoint", it.checkpoint}, {"reason", it.reason}};
}

json fields(const CompactionEvent& it) {
  return {{"shrunk", it.shrunk}, {"dropped", it.dropped}};
}

json fields(const BudgetWarningEvent& it) {
  return {{"budget", it.budget}, {"left", it.left}};
}

json fields(const ErrorEvent& it) {
  return {{"where", it.where}, {"message", it.message}};
}

}  // namespace

const char* name(StopReason reason) {
  switch (reason) {
    case StopReason::final_answer:
      return "final";
    case StopReason::max_iterations:
      return "max_iterations";
    case StopReason::max_wall:
      return "max_wall";
    case StopReason::max_tokens:
      return "max_tokens";
    case StopReason::format_errors:
      return "format_errors";
    case StopReason::refused:
      return "refused";
    case StopReason::content_filter:
      return "content_filter";
    case StopReason::llm_error:
      return "llm_error";
    case StopReason::sandbox_lost:
      return "sandbox_lost";
    case StopReason::cancelled:
      return "cancelled";
    case StopReason::fault:
      return "fault";
  }
  return "fault";
}

std::string_view event_name(EventType type) {
  static constexpr auto table = names(std::make_index_sequence<std::variant_size_v<EventBody>>());
  return table.at(type);
}

std::string_view json_type(const EventBody& event) {
  return std::visit([](const auto& it) { return it.type; }, event);
}

json to_json(const Event& event) {
  json all = {{"run", event.run},
              {"seq", event.sequence},
              {"time", rfc3339(event.time)},
              {"type", json_type(event.body)}};
  all.update(std::visit([](const auto& it) { return fields(it); }, event.body));
  return all;
}

}  // namespace caisson
