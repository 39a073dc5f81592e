#include "orchestrator/llm/reply.h"

#include <utility>

#include "orchestrator/llm/tokens.h"

namespace caisson {
namespace {

std::optional<std::uint64_t> count(const nlohmann::json& usage, const char* key) {
  if (!usage.is_object()) return std::nullopt;
  const auto found = usage.find(key);
  if (found == usage.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

TokenUsage usage_of(const Request& request, const ChatResult& result) {
  const auto prompt = count(result.usage, "prompt_tokens");
  const auto completion = count(result.usage, "completion_tokens");
  TokenUsage usage;
  usage.estimated = !prompt || !completion;
  if (prompt) {
    usage.prompt = *prompt;
  } else {
    // OpenAI's own count adds about four tokens for the frame of each message.
    for (const Message& message : request.messages) {
      usage.prompt += estimate_tokens(message.content) + 4;
    }
  }
  usage.completion =
      completion.value_or(estimate_tokens(result.content) + estimate_tokens(result.reasoning));
  return usage;
}

Conclusion failed(Explained problem) {
  return {std::nullopt, std::move(problem)};
}

}  // namespace

Conclusion conclude(const Asked& asked, const Request& request, const ChatResult& result,
                    const StreamEnd& end) {
  using Why = StreamEnd::Why;
  if (result.outcome == StreamOutcome::error_in_stream && end.why != Why::enough) {
    return failed(explain_stream_error(asked, result.error));
  }
  Reply reply;
  reply.content = result.content;
  reply.reasoning = result.reasoning;
  reply.refusal = result.refusal;
  reply.finish_reason = result.finish.value_or("");
  reply.usage = usage_of(request, result);
  reply.lost_events = result.bad_events;
  if (end.why == Why::enough) {
    reply.end = ReplyEnd::stopped;
    return {std::move(reply), {}};
  }
  if (result.outcome == StreamOutcome::ok && reply.finish_reason != "error") {
    reply.end = reply.finish_reason == "length" ? ReplyEnd::length : ReplyEnd::finished;
    return {std::move(reply), {}};
  }
  if (result.outcome == StreamOutcome::ok_no_finish) {
    reply.end = ReplyEnd::no_reason;
    return {std::move(reply), {}};
  }

  const bool said_something = !reply.content.empty() || !reply.reasoning.empty() ||
                              !reply.refusal.empty() || !result.tool_calls.empty();
  const std::string how =
      end.why == Why::broke_off ? end.error.message : "the server ended it without an end mark";
  if (said_something) {
    reply.end = ReplyEnd::truncated;
    reply.problem = asked.url + ": the answer broke off: " + how;
    return {std::move(reply), {}};
  }
  if (end.why == Why::broke_off) {
    Error error = end.error;
    error.message = asked.url + ": no answer came: " + error.message;
    // Silence has already taken its long limit: asking again would take it again.
    const auto failure = error.code == Errc::timed_out ? Failure::will_stay : Failure::may_pass;
    return failed({std::move(error), failure});
  }
  if (result.outcome == StreamOutcome::bad_json && !result.any_chunk) {
    return failed({Error(Errc::protocol, asked.url +
                                             ": the stream is not a chat completion, it "
                                             "says: " +
                                             one_line(result.first_bad_event)),
                   Failure::will_stay});
  }
  return failed(
      {Error(Errc::unavailable, asked.url + ": the server ended its answer before the first word"),
       Failure::may_pass});
}

}  // namespace caisson
