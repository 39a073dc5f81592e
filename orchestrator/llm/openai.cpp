#include "orchestrator/llm/openai.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <random>
#include <utility>

#include "orchestrator/llm/chat_request.h"
#include "orchestrator/llm/chat_stream.h"
#include "orchestrator/llm/lenient_json.h"
#include "orchestrator/llm/reply.h"
#include "orchestrator/llm/retry.h"
#include "sandbox/base/async.h"

namespace caisson {
namespace {

// Enough of an answer that is not a stream to tell what it is.
constexpr std::size_t max_head_bytes = 64U << 10U;
// A whole completion in one JSON object may be longer.
constexpr std::size_t max_whole_bytes = 8U << 20U;

std::string new_idempotency_key() {
  std::random_device random;
  std::string key = "caisson-";
  for (int i = 0; i < 32; ++i) key += "0123456789abcdef"[random() % 16U];
  return key;
}

double real_random() {
  std::random_device random;
  return std::uniform_real_distribution<double>(0, 1)(random);
}

bool is_type(std::string_view content_type, const char* part) {
  std::string type(content_type.substr(0, content_type.find(';')));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type.find(part) != std::string::npos;
}

bool is_whole_completion(std::string_view body) {
  const auto json = parse_lenient_json(body);
  if (!json || !json->is_object() || !json->contains("choices")) return false;
  return (*json)["choices"].is_array() && !(*json)["choices"].empty();
}

Refusal refusal_of(const HttpStream& answer) {
  Refusal refusal;
  refusal.status = answer.status();
  refusal.content_type = answer.header("content-type");
  refusal.location = answer.header("location");
  return refusal;
}

RetryAdvice advice_of(const HttpStream& answer) {
  RetryHeaders headers;
  headers.should_retry = answer.header("x-should-retry");
  headers.after_ms = answer.header("retry-after-ms");
  headers.after = answer.header("retry-after");
  return read_advice(headers, std::chrono::system_clock::now());
}

}  // namespace

// What one request came to.
struct OpenAiModel::Attempt {
  std::optional<Reply> reply;
  Explained problem;  // when there is no reply
  RetryAdvice advice;
  bool may_retry = true;  // else not even when the server says so
  bool refuses_usage = false;
};

Result<std::unique_ptr<OpenAiModel>> OpenAiModel::make(OpenAiSettings settings) {
  // Keys are often read from a file, with the line end.
  std::string& key = settings.api_key;
  while (!key.empty() && std::isspace(static_cast<unsigned char>(key.back())) != 0) key.pop_back();
  if (std::any_of(key.begin(), key.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    return Error(Errc::bad_input, "OPENAI_API_KEY has a space or a character that no key has");
  }
  auto address = completions_url(settings.base_url);
  if (!address) return address.error();
  auto url = parse_url(*address);
  if (!url) return Error(url.error().code, "--base-url: " + url.error().message);
  if (!settings.ca_file.empty()) {
    TlsOptions options;
    options.ca_file = settings.ca_file;
    auto tls = make_tls(options);
    if (!tls) return tls.error();
    url->target.tls = *tls;
  }
  auto proxy = choose_proxy(settings.proxies, url->target);
  if (!proxy) return proxy.error();
  url->target.proxy = *proxy;

  Asked asked;
  asked.url = address->substr(0, address->find('?'));  // a query may hold a key
  asked.model = settings.model;
  asked.key = key.empty() ? Asked::Key::none : Asked::Key::sent;
  return std::unique_ptr<OpenAiModel>(
      new OpenAiModel(std::move(settings), std::move(*url), std::move(asked)));
}

OpenAiModel::OpenAiModel(OpenAiSettings settings, Url url, Asked asked)
    : settings_(std::move(settings)), url_(std::move(url)), asked_(std::move(asked)) {
  if (!settings_.pause) settings_.pause = [](Millis time) { return sleep_for(time); };
  if (!settings_.random) settings_.random = real_random;
}

boost::asio::awaitable<Result<Reply>> OpenAiModel::complete(Request request, Deadline deadline,
                                                            Reader reader) {
  std::string idempotency_key = new_idempotency_key();
  for (unsigned attempt = 0;;) {
    BodyOptions options;
    options.model = settings_.model;
    options.max_tokens_field = settings_.max_tokens_field;
    options.extra = settings_.extra_body;
    options.usage = usage_refused_ ? BodyOptions::Usage::do_not_ask : BodyOptions::Usage::ask;
    HttpRequest http = http_request(request_body(request, options), idempotency_key);
    Attempt result = co_await ask(request, std::move(http), deadline, reader);
    if (result.reply) {
      result.reply->problem = without_key(std::move(result.reply->problem));
      co_return std::move(*result.reply);
    }
    if (result.refuses_usage && !usage_refused_) {
      usage_refused_ = true;
      idempotency_key = new_idempotency_key();  // another body is another request
      continue;
    }
    std::optional<Millis> wait;
    if (result.may_retry) {
      wait = retry_delay(attempt, result.problem.failure, result.advice, settings_.random());
    }
    if (!wait || *wait >= deadline.left()) {
      Error error = std::move(result.problem.error);
      if (error.code == Errc::closed) error.code = Errc::unavailable;
      error.message = without_key(std::move(error.message));
      if (attempt > 0) error.message += "\nAsked " + std::to_string(attempt + 1) + " times";
      co_return error;
    }
    co_await settings_.pause(*wait);
    ++attempt;
  }
}

HttpRequest OpenAiModel::http_request(std::string body, const std::string& idempotency_key) const {
  HttpRequest request;
  request.method = "POST";
  request.target = url_.path;
  request.headers = {{"Content-Type", "application/json"},
                     {"Accept", "text/event-stream"},
                     {"Accept-Encoding", "identity"},
                     {"User-Agent", "caisson"},
                     {"Idempotency-Key", idempotency_key}};
  if (!settings_.api_key.empty()) {
    // Azure knows its addresses by their api-version and takes keys in a header of its own.
    if (url_.path.find("api-version=") != std::string::npos) {
      request.headers.emplace_back("api-key", settings_.api_key);
    } else {
      request.headers.emplace_back("Authorization", "Bearer " + settings_.api_key);
    }
  }
  request.body = std::move(body);
  request.timeouts = settings_.timeouts;
  return request;
}

boost::asio::awaitable<OpenAiModel::Attempt> OpenAiModel::ask(const Request& request,
                                                              HttpRequest http, Deadline deadline,
                                                              const Reader& reader) {
  const auto start = Clock::now();
  auto answer = co_await http_open(url_.target, std::move(http), deadline);
  if (answer) {
    if (answer->status() >= 200 && answer->status() < 300) {
      co_return co_await read_stream(request, std::move(*answer), deadline, reader);
    }
    co_return co_await read_refusal(std::move(*answer), deadline);
  }
  Attempt failed;
  Error& error = failed.problem.error;
  error = answer.error();
  error.message = asked_.url + ": " + error.message;
  if (error.code == Errc::unavailable) {
    error.message += "\nIs the model server running? Its address is set with --base-url";
  }
  // A connection that hangs may work next time; an answer that did not come within ten minutes
  // will not.
  const bool waited_long =
      deadline.passed() || Clock::now() - start >= settings_.timeouts.first_byte;
  const bool may_pass = error.code == Errc::unavailable || error.code == Errc::closed ||
                        (error.code == Errc::timed_out && !waited_long);
  failed.problem.failure = may_pass ? Failure::may_pass : Failure::will_stay;
  co_return failed;
}

boost::asio::awaitable<OpenAiModel::Attempt> OpenAiModel::read_stream(const Request& request,
                                                                      HttpStream answer,
                                                                      Deadline deadline,
                                                                      const Reader& reader) {
  Attempt attempt;
  ChatStream stream(reader);
  StreamEnd end;
  // The beginning of the body, while it could still be something else than a stream. The content
  // type does not tell: some servers send a stream as JSON, and proxies a page as a stream.
  std::string head;
  const bool says_stream = is_type(answer.header("content-type"), "event-stream");
  const std::size_t max_head =
      is_type(answer.header("content-type"), "json") ? max_whole_bytes : max_head_bytes;
  std::array<char, 16384> buffer;
  while (!stream.done() && !stream.failed()) {
    auto size = co_await answer.read_some(boost::asio::buffer(buffer), deadline);
    if (!size) {
      end.why = StreamEnd::Why::broke_off;
      end.error = size.error();
      break;
    }
    const std::string_view piece(buffer.data(), *size);
    const Reading reading = piece.empty() ? stream.end() : stream.feed(piece);
    if (reading == Reading::enough) {
      end.why = StreamEnd::Why::enough;
      break;
    }
    if (piece.empty()) break;
    if (stream.is_chat()) continue;
    if (head.size() < max_head) {
      head += piece;
    } else if (!says_stream) {
      break;  // a stream may begin with half an hour of comments, a page may not go on for ever
    }
  }
  Refusal refusal = refusal_of(answer);
  attempt.advice = advice_of(answer);
  answer.close();

  if (end.why == StreamEnd::Why::broke_off && deadline.passed()) {
    attempt.problem = {Error(Errc::timed_out, asked_.url + ": the answer took too long"),
                       Failure::will_stay};
    co_return attempt;
  }
  const bool only_comments = says_stream && head.starts_with(':');
  if (end.why == StreamEnd::Why::eof && !stream.is_chat() && !head.empty() && !only_comments) {
    if (!is_whole_completion(head)) {
      refusal.body = std::move(head);
      attempt.problem = explain_refusal(asked_, refusal);
      co_return attempt;
    }
    if (stream.feed_whole(head) == Reading::enough) end.why = StreamEnd::Why::enough;
  }
  Conclusion conclusion = conclude(asked_, request, stream.result(), end);
  attempt.reply = std::move(conclusion.reply);
  attempt.problem = std::move(conclusion.problem);
  attempt.may_retry = !stream.delivered();
  co_return attempt;
}

boost::asio::awaitable<OpenAiModel::Attempt> OpenAiModel::read_refusal(HttpStream answer,
                                                                       Deadline deadline) {
  Refusal refusal = refusal_of(answer);
  std::array<char, 4096> buffer;
  // The status is known: what the body adds must come soon.
  const Deadline soon = deadline.sooner(Deadline::after(std::chrono::seconds(10)));
  while (refusal.body.size() < max_head_bytes) {
    auto size = co_await answer.read_some(boost::asio::buffer(buffer), soon);
    if (!size || *size == 0) break;
    refusal.body.append(buffer.data(), *size);
  }
  Attempt attempt;
  attempt.advice = advice_of(answer);
  attempt.refuses_usage = refuses_stream_options(refusal);
  attempt.problem = explain_refusal(asked_, refusal);
  // A quota does not come back by waiting, whatever the header says.
  attempt.may_retry = refusal.status != 429 || attempt.problem.failure == Failure::may_pass;
  co_return attempt;
}

// Some servers repeat the key that they refuse.
std::string OpenAiModel::without_key(std::string text) const {
  const std::string& key = settings_.api_key;
  if (key.empty()) return text;
  for (auto at = text.find(key); at != std::string::npos; at = text.find(key, at + 3)) {
    text.replace(at, key.size(), "***");
  }
  return text;
}

}  // namespace caisson
