#include "orchestrator/llm/chat_stream.h"

#include <utility>

#include "orchestrator/llm/lenient_json.h"
#include "sandbox/base/json.h"

namespace caisson {
namespace {

using nlohmann::json;

// A member of an object, or null.
const json& member(const json& object, const char* key) {
  static const json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

// Null, "", 0, false, {} and [] mean "not there": which of them a server writes is its taste.
bool is_there(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\n\r\v\f";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

// Text, or a list of parts of which some are text (Mistral).
std::string content_of(const json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const json& part : content) {
    const std::string type = get_string(part, "type");
    if (type == "text" || type == "output_text") text += get_string(part, "text");
  }
  return text;
}

}  // namespace

const char* name(StreamOutcome outcome) {
  switch (outcome) {
    case StreamOutcome::ok:
      return "ok";
    case StreamOutcome::ok_no_finish:
      return "ok_no_finish";
    case StreamOutcome::error_in_stream:
      return "error_in_stream";
    case StreamOutcome::truncated:
      return "truncated";
    case StreamOutcome::bad_json:
      return "bad_json";
  }
  return "truncated";
}

Reading ChatStream::feed(std::string_view bytes) {
  std::vector<SseEvent> events;
  parser_.feed(bytes, events);
  const Reading reading = take(events);
  if (parser_.too_large() && !failed()) {
    result_.error = {{"message", "an event of the stream is larger than 8 MiB"}};
  }
  return reading;
}

Reading ChatStream::end() {
  std::vector<SseEvent> events;
  parser_.end(events);
  return take(events);
}

Reading ChatStream::feed_whole(std::string_view json) {
  std::vector<SseEvent> events{{"message", std::string(json)}};
  return take(events);
}

Reading ChatStream::take(std::vector<SseEvent>& events) {
  for (const SseEvent& event : events) {
    if (enough_ || done_) break;
    if (take_event(event) == Reading::enough) enough_ = true;
  }
  return enough_ ? Reading::enough : Reading::go_on;
}

Reading ChatStream::take_event(const SseEvent& event) {
  const std::string_view data = trim(event.data);
  if (data.empty()) return Reading::go_on;
  if (data.starts_with("[DONE]")) {
    done_ = true;
    return Reading::go_on;
  }
  const auto chunk = parse_lenient_json(data);
  if (!chunk || !chunk->is_object()) {
    if (result_.bad_events++ == 0) result_.first_bad_event = data.substr(0, 200);
    return Reading::go_on;
  }
  result_.any_chunk = true;

  const json& error = member(*chunk, "error");
  if (error.is_object()) {
    result_.error = error;
  } else if (!error.is_null()) {
    result_.error = {{"message", text_of(error)}};
  } else if (event.name == "error") {
    result_.error = *chunk;
  }
  if (is_there(member(*chunk, "usage"))) result_.usage = member(*chunk, "usage");

  const json& choices = member(*chunk, "choices");
  if (!choices.is_array()) return Reading::go_on;
  Reading reading = Reading::go_on;
  for (const json& choice : choices) {
    if (take_choice(choice) == Reading::enough) reading = Reading::enough;
  }
  return reading;
}

Reading ChatStream::take_choice(const json& choice) {
  // We ask for one choice; others are not ours.
  const json& index = member(choice, "index");
  if (!choice.is_object() || (is_there(index) && index != 0)) return Reading::go_on;

  const json& delta =
      is_there(member(choice, "delta")) ? member(choice, "delta") : member(choice, "message");
  Delta piece;
  piece.content = content_of(member(delta, "content"));
  // Some servers write both names with the same text.
  const json& reasoning = is_there(member(delta, "reasoning_content"))
                              ? member(delta, "reasoning_content")
                              : member(delta, "reasoning");
  if (reasoning.is_string()) piece.reasoning = reasoning.get<std::string>();
  const std::size_t size = piece.content.size() + piece.reasoning.size();
  if (result_.content.size() + result_.reasoning.size() + size > max_reply_bytes_) {
    result_.error = {{"message", "the reply is larger than this program takes"}};
    return Reading::go_on;
  }
  result_.content += piece.content;
  result_.reasoning += piece.reasoning;
  result_.refusal += get_string(delta, "refusal");
  take_tool_calls(member(delta, "tool_calls"));
  if (is_there(member(choice, "finish_reason"))) {
    result_.finish = text_of(member(choice, "finish_reason"));
  }
  if (piece.content.empty() && piece.reasoning.empty()) return Reading::go_on;
  delivered_ = true;
  return reader_ ? reader_(piece) : Reading::go_on;
}

void ChatStream::take_tool_calls(const json& calls) {
  if (!calls.is_array()) return;
  for (const json& piece : calls) {
    if (!piece.is_object()) continue;
    const std::string id = get_string(piece, "id");
    auto& known = result_.tool_calls;
    // Gemini leaves the index out, or writes 0 for all of several calls: a new id begins a new
    // call.
    const json& index = member(piece, "index");
    std::size_t at = known.size();
    while (at > 0 && index.is_number_unsigned() && known[at - 1].index != index) --at;
    if (at == 0 || (!id.empty() && !known[at - 1].id.empty() && known[at - 1].id != id)) {
      known.emplace_back();
      at = known.size();
      known.back().index = index.is_number_unsigned() ? index.get<std::uint64_t>() : at - 1;
    }
    ModelToolCall& call = known[at - 1];
    if (!id.empty()) call.id = id;
    const json& function = member(piece, "function");
    if (call.name.empty()) call.name = get_string(function, "name");
    const json& arguments = member(function, "arguments");
    if (arguments.is_string()) {
      call.arguments += arguments.get_ref<const std::string&>();
    } else if (is_there(arguments)) {
      call.arguments = to_text(arguments);
    }
    if (is_there(member(piece, "extra_content"))) call.extra_content = piece["extra_content"];
  }
}

ChatResult ChatStream::result() const {
  ChatResult result = result_;
  if (failed()) {
    result.outcome = StreamOutcome::error_in_stream;
  } else if (result.bad_events > 0 && !done_ && !result.finish) {
    result.outcome = StreamOutcome::bad_json;
  } else if (result.finish) {
    result.outcome = StreamOutcome::ok;
  } else {
    result.outcome = done_ ? StreamOutcome::ok_no_finish : StreamOutcome::truncated;
  }
  return result;
}

}  // namespace caisson
