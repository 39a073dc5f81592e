// A language model as a stream of text: one of the five seams.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/chat/message.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace caisson {

// A piece of a reply. Either text may be empty.
struct Delta {
  std::string content;
  std::string reasoning;  // never scanned for code, never stored
};

// What the reader of the stream wants after a delta.
enum class Reading { go_on, enough };  // enough: close the connection, the reply ends here

struct Request {
  std::vector<Message> messages;
  std::optional<double> temperature;  // sent only when set: reasoning models refuse it
  std::optional<std::uint32_t> max_tokens;
};

struct TokenUsage {
  std::uint64_t prompt = 0;
  std::uint64_t completion = 0;
  bool estimated = false;  // the stream ended before the provider counted
};

enum class ReplyEnd {
  finished,   // the provider said why it ended
  no_reason,  // the end mark came without a reason; the text is whole
  stopped,    // we had read enough
  length,     // the provider's token limit cut it: code in it may be cut too
  truncated,  // the stream broke off: code in it must not run
};

struct Reply {
  std::string content;  // all of it, as the deltas gave it
  std::string reasoning;
  std::string refusal;
  ReplyEnd end = ReplyEnd::finished;
  std::string finish_reason;  // as the provider wrote it, may be empty
  TokenUsage usage;
  // What went wrong on the way, for a person; empty when nothing did. Set when `end` is truncated.
  std::string problem;
  // Events of the stream that were not JSON: text is probably missing, code in it should not run.
  std::uint32_t lost_events = 0;
};

class Model {
 public:
  using Reader = std::function<Reading(const Delta&)>;

  virtual ~Model() = default;
  // Asks for one reply and hands its pieces to `reader` as they come.
  //
  // Retries (429, 5xx, a refused connection) happen only before the first content byte.
  // Errors: unavailable, unauthorized, rate_limited, timed_out, too_large (the context is full),
  // not_found (no such model or path), bad_input (the server does not accept the request, or
  // redirects), protocol (not a stream, or an error inside it). A stream that breaks off after the
  // first delta is not an error but Reply{end: truncated}. Cancellation closes the connection.
  virtual boost::asio::awaitable<Result<Reply>> complete(Request request, Deadline deadline,
                                                         Reader reader) = 0;
  // "openai:gpt-4o-mini", "script:demo.yaml": for logs and the journal.
  virtual std::string name() const = 0;
  // Tokens the model can read at once.
  virtual std::uint32_t context_window() const = 0;
};

}  // namespace caisson
