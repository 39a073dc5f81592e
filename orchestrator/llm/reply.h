// What a finished stream means. Pure.
#pragma once

#include "orchestrator/llm/chat_stream.h"
#include "orchestrator/llm/model.h"
#include "orchestrator/llm/provider_error.h"

namespace caisson {

// How the reading of a stream came to its end.
struct StreamEnd {
  enum class Why { eof, enough, broke_off };
  Why why = Why::eof;
  Error error;  // of broke_off
};

// The reply, or why there is none: an error inside the stream, or a stream that ended before
// anything was said (which may pass).
struct Conclusion {
  std::optional<Reply> reply;
  Explained problem;
};
// `usage` counts the request's tokens itself when the provider did not.
Conclusion conclude(const Asked& asked, const Request& request, const ChatResult& result,
                    const StreamEnd& end);

}  // namespace caisson
