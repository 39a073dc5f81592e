#include "orchestrator/llm/chat_request.h"

#include "sandbox/base/json.h"

namespace caisson {

Result<std::string> completions_url(std::string_view base_url) {
  const std::string given(base_url);
  if (!base_url.starts_with("http://") && !base_url.starts_with("https://")) {
    return Error(Errc::bad_input, "--base-url: '" + given +
                                      "' is not the address of a model server, write it like "
                                      "http://localhost:8000/v1");
  }
  base_url = base_url.substr(0, base_url.find('#'));
  const std::size_t host = base_url.find("://") + 3;
  if (base_url.substr(host, base_url.find_first_of("/?", host) - host).find('@') != base_url.npos) {
    return Error(Errc::bad_input,
                 "--base-url: a login in the address would show up in messages; leave it out and "
                 "set OPENAI_API_KEY");
  }
  const std::size_t mark = base_url.find('?');
  const std::string_view query = mark == std::string_view::npos ? "" : base_url.substr(mark);
  std::string_view path = base_url.substr(0, mark);
  while (path.ends_with('/')) path.remove_suffix(1);
  constexpr std::string_view tail = "/chat/completions";
  std::string url(path);
  if (!path.ends_with(tail)) url += tail;
  url += query;
  return url;
}

std::vector<Message> merge_roles(const std::vector<Message>& messages) {
  std::vector<Message> merged;
  std::string system;
  for (const Message& message : messages) {
    if (message.role != Role::system) continue;
    if (!system.empty()) system += "\n\n";
    system += message.content;
  }
  if (!system.empty()) merged.push_back({Role::system, std::move(system)});
  for (const Message& message : messages) {
    if (message.role == Role::system) continue;
    // Several servers refuse a message without text.
    if (message.role == Role::assistant && message.content.empty()) continue;
    if (!merged.empty() && merged.back().role == message.role) {
      merged.back().content += "\n\n" + message.content;
    } else {
      merged.push_back(message);
    }
  }
  return merged;
}

std::string request_body(const Request& request, const BodyOptions& options) {
  nlohmann::json body = options.extra.is_object() ? options.extra : nlohmann::json::object();
  body["model"] = options.model;
  body["stream"] = true;
  if (options.usage == BodyOptions::Usage::ask) body["stream_options"]["include_usage"] = true;
  if (request.temperature) body["temperature"] = *request.temperature;
  if (request.max_tokens) body[options.max_tokens_field] = *request.max_tokens;
  nlohmann::json& messages = body["messages"] = nlohmann::json::array();
  for (const Message& message : merge_roles(request.messages)) {
    messages.push_back({{"role", name(message.role)}, {"content", message.content}});
  }
  return to_text(body);
}

}  // namespace caisson
