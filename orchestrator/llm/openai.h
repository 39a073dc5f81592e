// A model behind any OpenAI-compatible server: OpenAI itself, vLLM, Ollama, llama.cpp, and the
// compatible endpoints of others.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "orchestrator/llm/model.h"
#include "orchestrator/llm/provider_error.h"
#include "sandbox/base/http_client.h"

namespace caisson {

struct OpenAiSettings {
  std::string model;
  std::string base_url;  // the address before /chat/completions
  std::string api_key;   // empty: none is sent, local servers want none. Never in a message or log
  std::uint32_t context_window = 8192;
  ProxySettings proxies;
  std::string ca_file;
  std::string max_tokens_field = "max_tokens";
  nlohmann::json extra_body;  // members for every request (top_p, seed, stop); null: none
  // Connecting is quick or fails; models think long before the first byte; comments count as
  // bytes, and servers send one at least every 30 s. All within the deadline of the call.
  HttpTimeouts timeouts{Millis(5'000), Millis(600'000), Millis(120'000)};
  // Waits between attempts, and the randomness of their length. Empty: the real ones.
  std::function<boost::asio::awaitable<void>(Millis)> pause;
  std::function<double()> random;  // in [0, 1)
};

class OpenAiModel final : public Model {
 public:
  // Error: bad_input (an address, key, proxy or certificate file that cannot be used).
  static Result<std::unique_ptr<OpenAiModel>> make(OpenAiSettings settings);

  boost::asio::awaitable<Result<Reply>> complete(Request request, Deadline deadline,
                                                 Reader reader) override;
  std::string name() const override { return "openai:" + settings_.model; }
  std::uint32_t context_window() const override { return settings_.context_window; }

 private:
  struct Attempt;

  OpenAiModel(OpenAiSettings settings, Url url, Asked asked);
  HttpRequest http_request(std::string body, const std::string& idempotency_key) const;
  // `request` and `reader` belong to complete(), which waits for both of these.
  boost::asio::awaitable<Attempt> ask(const Request& request, HttpRequest http, Deadline deadline,
                                      const Reader& reader);
  boost::asio::awaitable<Attempt> read_stream(const Request& request, HttpStream answer,
                                              Deadline deadline, const Reader& reader);
  boost::asio::awaitable<Attempt> read_refusal(HttpStream answer, Deadline deadline);
  std::string without_key(std::string text) const;

  OpenAiSettings settings_;
  Url url_;
  Asked asked_;
  bool usage_refused_ = false;  // the server does not know stream_options
};

}  // namespace caisson
