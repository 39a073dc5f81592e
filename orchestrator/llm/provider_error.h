// What model servers say when they do not answer with a stream, turned into errors for people.
// Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "orchestrator/llm/retry.h"
#include "sandbox/base/result.h"

namespace caisson {

// The first line of a text with something on it, for a message: at most 500 bytes, without control
// characters and without a full stop at its end.
std::string one_line(std::string_view text);

// The parts of an error that a server sent.
struct ProviderError {
  std::string message;  // one line, at most 500 bytes; empty when it said nothing
  std::string code;     // "insufficient_quota", "429", may be empty
  std::string type;
};
// From a body of any known form: {"error": {…}} (OpenAI, llama.cpp), {"error": "…"} (Ollama), a
// list around either (Gemini), flat {"message": …} (older vLLM), {"detail": …} (FastAPI), or text
// and HTML, of which the first line counts.
ProviderError read_error_body(std::string_view body);
// From the value of `error` in a stream.
ProviderError read_error(const nlohmann::json& error);

// What was asked, for messages.
struct Asked {
  std::string url;
  std::string model;
  enum class Key { none, sent };
  Key key = Key::none;
};

// What came back, when it was not a stream.
struct Refusal {
  unsigned status = 0;
  std::string content_type;
  std::string location;  // of a redirect
  std::string body;      // its first 64 KiB
};

struct Explained {
  Error error;
  Failure failure = Failure::will_stay;
};
Explained explain_refusal(const Asked& asked, const Refusal& refusal);
// An error that came inside a stream.
Explained explain_stream_error(const Asked& asked, const nlohmann::json& error);

// The server does not know the request's field `stream_options`.
bool refuses_stream_options(const Refusal& refusal);

}  // namespace caisson
