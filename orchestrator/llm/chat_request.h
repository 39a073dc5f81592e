// What is sent to an OpenAI-compatible server: the address and the JSON body. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/chat/message.h"
#include "orchestrator/llm/model.h"
#include "sandbox/base/result.h"

namespace caisson {

// {base}/chat/completions. A base may end in a slash or not, and may have a query, which is kept
// ("https://x.example.org/deployments/d?api-version=1"). A base that already names the path is
// taken as it is. Error: bad_input.
Result<std::string> completions_url(std::string_view base_url);

// The messages as strict chat templates want them (Mistral, Gemma, llama.cpp): one system message,
// in front; neighbours of equal role merged, with a blank line between; no empty answers.
std::vector<Message> merge_roles(const std::vector<Message>& messages);

struct BodyOptions {
  std::string model;
  std::string max_tokens_field = "max_tokens";  // OpenAI's newer models want max_completion_tokens
  nlohmann::json extra;  // null, or an object whose members go into the request (top_p, seed, stop)
  enum class Usage { ask, do_not_ask };
  Usage usage = Usage::ask;  // old servers refuse the field stream_options
};
// Text that is not UTF-8 is sent with U+FFFD in its place.
std::string request_body(const Request& request, const BodyOptions& options);

}  // namespace caisson
