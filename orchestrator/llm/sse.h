// Server-sent events: bytes in any pieces become events. Does no I/O.
//
// The format is that of the WHATWG HTML standard, section 9.2.6, with two leniencies that real
// model servers need: an unterminated last event counts at the end of the stream (servers and
// proxies end with `data: [DONE]` and no blank line), and a field `error:` is an event of its own
// (older llama.cpp servers report errors so).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caisson {

struct SseEvent {
  std::string name;  // "message" when the server gave none
  std::string data;  // the data lines, joined by \n; bytes as they came, maybe not UTF-8
  bool operator==(const SseEvent&) const = default;
};

class SseParser {
 public:
  // More than any event of a chat completion: a whole answer with log probabilities has 47 KB.
  static constexpr std::size_t default_max_event_bytes = 8U << 20U;

  explicit SseParser(std::size_t max_event_bytes = default_max_event_bytes)
      : max_event_bytes_(max_event_bytes) {}

  // Takes the next bytes of the stream and appends the events that they complete. Lines end with
  // LF, CR or CRLF and nothing else (U+2028 is text); a pair or a character may be cut anywhere.
  void feed(std::string_view bytes, std::vector<SseEvent>& events);
  // The stream has ended: appends what it left unterminated. Nothing may be fed afterwards.
  void end(std::vector<SseEvent>& events);

  // Comment lines so far. Servers send them to show that they are alive.
  std::uint64_t comments() const { return comments_; }
  // An event was larger than the limit. The parser is dead then: it takes bytes and gives nothing.
  bool too_large() const { return too_large_; }

 private:
  void take_line(std::string_view line, std::vector<SseEvent>& events);
  void dispatch(std::vector<SseEvent>& events);

  std::size_t max_event_bytes_;
  std::string line_;  // the part of a line that came so far
  std::string name_;
  std::string data_;
  bool has_data_ = false;  // data_ may be empty and still be an event
  bool first_line_ = true;
  bool after_cr_ = false;
  bool too_large_ = false;
  std::uint64_t comments_ = 0;
};

}  // namespace caisson
