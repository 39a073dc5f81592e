// From a name and settings to a model.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "orchestrator/llm/model.h"
#include "sandbox/base/http_client.h"

namespace caisson {

// A value that app/ fills from flags and environment; nothing in llm/ reads either.
struct ModelConfig {
  // "gpt-4o-mini", or "openai:gpt-4o-mini": asked for at base_url. "script:FILE": turns from a
  // file, see scripted.h. A colon elsewhere is part of the name ("llama3:8b").
  std::string model = "gpt-4o-mini";
  std::string base_url = "https://api.openai.com/v1";
  std::string api_key;               // empty: none is sent
  std::uint32_t context_window = 0;  // tokens; 0: what is known of the model, see tokens.h
  ProxySettings proxies;
  std::string ca_file;           // PEM; empty: the system's authorities
  std::string max_tokens_field;  // empty: max_completion_tokens for OpenAI itself, else max_tokens
  nlohmann::json extra_body;     // more members for every request (top_p, seed, stop); null: none
};

// Connects to nothing. Errors: bad_input (an address, key or script that cannot be used),
// not_found (no such script), unauthorized (OpenAI without a key), unsupported.
Result<std::unique_ptr<Model>> make_model(const ModelConfig& config);

}  // namespace caisson
