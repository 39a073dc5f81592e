#include "orchestrator/llm/provider_error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "orchestrator/llm/lenient_json.h"
#include "sandbox/base/json.h"
#include "sandbox/base/utf8.h"

namespace caisson {
namespace {

using nlohmann::json;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string scalar(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  if (found == object.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number() ? found->dump() : std::string();
}

// FastAPI: text, or a list of {"loc": ["body", "messages"], "msg": "field required"}.
std::string read_detail(const json& detail) {
  if (detail.is_string()) return detail.get<std::string>();
  if (detail.is_object()) return read_error(detail).message;
  std::string all;
  if (!detail.is_array()) return all;
  for (const json& problem : detail) {
    std::string where;
    if (problem.is_object() && problem.contains("loc") && problem["loc"].is_array()) {
      for (const json& step : problem["loc"]) {
        if (!where.empty()) where += '.';
        where += step.is_string() ? step.get<std::string>() : step.dump();
      }
    }
    if (!all.empty()) all += "; ";
    if (!where.empty()) all += where + ": ";
    all += get_string(problem, "msg");
  }
  return all;
}

bool is_quota(const ProviderError& error) {
  const std::string text = lower(error.code + " " + error.type + " " + error.message);
  return text.find("insufficient_quota") != std::string::npos ||
         text.find("exceeded your current quota") != std::string::npos ||
         text.find("billing") != std::string::npos ||
         text.find("insufficient balance") != std::string::npos ||
         text.find("insufficient credits") != std::string::npos;
}

// Servers have no common code for it: these are the words of OpenAI, Anthropic, llama.cpp, vLLM,
// Gemini, Groq and LiteLLM.
bool is_context_full(const ProviderError& error) {
  constexpr std::array phrases = {
      "context_length_exceeded",
      "contextwindowexceedederror",
      "exceed_context_size",
      "prompt is too long",
      "input length and `max_tokens` exceed context limit",
      "reduce the length of",
      "exceeds the available context size",
      "context length exceeded",
      "maximum context length",
      "input exceeds the context window",
      "context window exceeds limit",
      "exceeds the maximum number of tokens",
  };
  const std::string text = lower(error.code + " " + error.type + " " + error.message);
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](const char* phrase) { return text.find(phrase) != std::string::npos; });
}

std::string said(const ProviderError& error) {
  return error.message.empty() ? "" : ": " + error.message;
}

unsigned status_of(const ProviderError& error) {
  unsigned status = 0;
  const char* end = error.code.data() + error.code.size();
  const auto [last, problem] = std::from_chars(error.code.data(), end, status);
  return problem == std::errc() && last == end && status >= 400 && status < 600 ? status : 0;
}

// The answer is a success and still no stream.
Error not_a_stream(const Asked& asked, const Refusal& refusal) {
  const std::string type = refusal.content_type.empty() ? "no content type" : refusal.content_type;
  const std::string first = one_line(refusal.body);
  return Error(Errc::protocol,
               asked.url + ": the answer is not a stream of a chat completion but " + type +
                   (first.empty() ? ", with an empty body" : ", which begins: " + first) +
                   "\nCheck --base-url: most servers want an address that ends in /v1");
}

Explained explain(const Asked& asked, unsigned status, const ProviderError& error) {
  const std::string number = " (" + std::to_string(status) + ")";
  const Failure failure = failure_of_status(status);
  if (status == 429 && is_quota(error)) {
    return {Error(Errc::rate_limited, asked.url + ": the account has no quota left" + number +
                                          said(error) +
                                          "\nAsking again will not help: check the "
                                          "plan and billing of this API key"),
            Failure::will_stay};
  }
  if (is_context_full(error)) {
    return {Error(Errc::too_large, asked.url + ": the conversation is too long for " + asked.model +
                                       number + said(error)),
            Failure::will_stay};
  }
  switch (status) {
    case 401: {
      const std::string what =
          asked.key == Asked::Key::none
              ? ": the server wants an API key" + number + said(error) + "\nSet OPENAI_API_KEY"
              : ": the server does not accept the API key" + number + said(error) +
                    "\nCheck OPENAI_API_KEY";
      return {Error(Errc::unauthorized, asked.url + what), failure};
    }
    case 403:
      return {Error(Errc::unauthorized, asked.url + ": the server refuses access" + number +
                                            said(error) +
                                            "\nCheck OPENAI_API_KEY and what it "
                                            "may use"),
              failure};
    case 404:
      return {
          Error(Errc::not_found, asked.url + ": not found" + number + said(error) +
                                     "\nEither the server has no "
                                     "model '" +
                                     asked.model +
                                     "' (see --model) or the path is wrong (see "
                                     "--base-url: most servers want an address that ends in /v1)"),
          failure};
    case 429:
      return {Error(Errc::rate_limited,
                    asked.url + ": too many requests" + number + said(error) + "\nTry again later"),
              failure};
    default:
      break;
  }
  if (status >= 500 || failure == Failure::may_pass) {
    return {Error(Errc::unavailable, asked.url + ": the server failed" + number + said(error)),
            failure};
  }
  return {Error(Errc::bad_input,
                asked.url + ": the server does not accept the request" + number + said(error)),
          failure};
}

}  // namespace

std::string one_line(std::string_view text) {
  constexpr std::size_t max_bytes = 500;
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  text = text.substr(start);
  text = text.substr(0, text.find_first_of("\r\n"));
  const bool cut = text.size() > max_bytes;
  text = text.substr(0, max_bytes);
  text = text.substr(0, invalid_utf8(text));
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  while (line.ends_with(' ') || line.ends_with('.')) line.pop_back();
  return cut ? line + "…" : line;
}

ProviderError read_error(const json& error) {
  if (error.is_string()) return {one_line(error.get<std::string>()), "", ""};
  ProviderError found{one_line(scalar(error, "message")), scalar(error, "code"),
                      scalar(error, "type")};
  if (found.code.empty()) found.code = scalar(error, "status_code");
  return found;
}

ProviderError read_error_body(std::string_view body) {
  const auto parsed = parse_lenient_json(body);
  if (!parsed) return {one_line(body), "", ""};
  const json* value = &*parsed;
  if (value->is_array() && !value->empty()) value = &value->front();
  if (!value->is_object()) return {one_line(body), "", ""};
  ProviderError found;
  if (value->contains("error") && !(*value)["error"].is_null())
    found = read_error((*value)["error"]);
  if (found.message.empty()) {
    const ProviderError flat = read_error(*value);
    found.message = flat.message;
    if (found.code.empty()) found.code = flat.code;
    if (found.type.empty()) found.type = flat.type;
  }
  if (found.message.empty() && value->contains("detail")) {
    found.message = one_line(read_detail((*value)["detail"]));
  }
  if (found.message.empty()) found.message = one_line(body);
  return found;
}

Explained explain_refusal(const Asked& asked, const Refusal& refusal) {
  if (refusal.status >= 300 && refusal.status < 400) {
    const std::string where = refusal.location.empty() ? "" : " to " + one_line(refusal.location);
    return {
        Error(Errc::bad_input,
              asked.url + ": the server redirects" + where + " (" + std::to_string(refusal.status) +
                  ")\nRedirects are not followed, so that a key goes only where it was meant "
                  "to: set --base-url to the right address"),
        Failure::will_stay};
  }
  const ProviderError error = read_error_body(refusal.body);
  if (refusal.status >= 400) return explain(asked, refusal.status, error);
  // A success that carries an error: some gateways do so.
  const auto parsed = parse_lenient_json(refusal.body);
  if (parsed && parsed->is_object() && parsed->contains("error") && !(*parsed)["error"].is_null()) {
    return explain_stream_error(asked, (*parsed)["error"]);
  }
  return {not_a_stream(asked, refusal), Failure::will_stay};
}

Explained explain_stream_error(const Asked& asked, const json& error) {
  const ProviderError found = read_error(error);
  if (const unsigned status = status_of(found); status != 0) return explain(asked, status, found);
  if (is_quota(found)) return explain(asked, 429, found);
  const std::string kind = found.code.empty() ? found.type : found.code;
  if (is_context_full(found)) {
    return {Error(Errc::too_large,
                  asked.url + ": the conversation is too long for " + asked.model + said(found)),
            Failure::will_stay};
  }
  return {
      Error(Errc::protocol, asked.url + ": the server reported an error in its answer" +
                                (kind.empty() ? "" : " (" + one_line(kind) + ")") + said(found)),
      Failure::will_stay};
}

bool refuses_stream_options(const Refusal& refusal) {
  return (refusal.status == 400 || refusal.status == 422) &&
         (refusal.body.find("stream_options") != std::string::npos ||
          refusal.body.find("include_usage") != std::string::npos);
}

}  // namespace caisson
