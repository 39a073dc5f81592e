#include "orchestrator/llm/sse.h"

#include <utility>

namespace caisson {

void SseParser::feed(std::string_view bytes, std::vector<SseEvent>& events) {
  while (!bytes.empty() && !too_large_) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + data_.size() + piece.size() > max_event_bytes_) {
      too_large_ = true;
      return;
    }
    if (end == std::string_view::npos) {
      line_ += piece;
      return;
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      take_line(piece, events);
    } else {
      line_ += piece;
      take_line(std::exchange(line_, {}), events);
    }
  }
}

void SseParser::end(std::vector<SseEvent>& events) {
  if (too_large_) return;
  if (!line_.empty()) take_line(std::exchange(line_, {}), events);
  dispatch(events);
}

void SseParser::take_line(std::string_view line, std::vector<SseEvent>& events) {
  if (std::exchange(first_line_, false) && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (line.empty()) {
    dispatch(events);
    return;
  }
  if (line.front() == ':') {
    ++comments_;
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (field == "event") {
    name_ = value;
  } else if (field == "error") {
    events.push_back({"error", std::string(value)});
  }
}

void SseParser::dispatch(std::vector<SseEvent>& events) {
  if (std::exchange(has_data_, false)) {
    if (name_.empty()) name_ = "message";
    events.push_back({std::exchange(name_, {}), std::exchange(data_, {})});
  }
  name_.clear();
}

}  // namespace caisson
