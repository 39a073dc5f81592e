#include "orchestrator/llm/make_model.h"

#include <string_view>

#include "orchestrator/llm/openai.h"
#include "orchestrator/llm/scripted.h"
#include "orchestrator/llm/tokens.h"

namespace caisson {

Result<std::unique_ptr<Model>> make_model(const ModelConfig& config) {
  std::string_view model = config.model;
  if (model.starts_with("script:")) {
    auto scripted = load_script(std::string(model.substr(7)), config.context_window);
    if (!scripted) return scripted.error();
    return std::unique_ptr<Model>(std::move(*scripted));
  }
  if (model.starts_with("replay:")) {
    return Error(Errc::unsupported,
                 "--model: '" + config.model +
                     "': replaying a run as a model is "
                     "not built into this version; use a model's name or script:FILE");
  }
  if (model.starts_with("openai:")) model.remove_prefix(7);
  if (model.empty()) {
    return Error(Errc::bad_input,
                 "--model: no name given; write a model's name (gpt-4o-mini) or "
                 "script:FILE");
  }
  const bool is_openai = config.base_url.starts_with("https://api.openai.com/");
  if (is_openai && config.api_key.empty()) {
    return Error(Errc::unauthorized,
                 "OPENAI_API_KEY is not set, and '" + std::string(model) +
                     "' at api.openai.com needs one\nOr use a server of your own with --base-url "
                     "http://localhost:8000/v1, or turns from a file with --model script:FILE");
  }
  OpenAiSettings settings;
  settings.model = model;
  settings.base_url = config.base_url;
  settings.api_key = config.api_key;
  settings.context_window =
      config.context_window != 0 ? config.context_window : known_context_window(model);
  settings.proxies = config.proxies;
  settings.ca_file = config.ca_file;
  settings.max_tokens_field = !config.max_tokens_field.empty() ? config.max_tokens_field
                              : is_openai                      ? "max_completion_tokens"
                                                               : "max_tokens";
  settings.extra_body = config.extra_body;
  auto made = OpenAiModel::make(std::move(settings));
  if (!made) return made.error();
  return std::unique_ptr<Model>(std::move(*made));
}

}  // namespace caisson
