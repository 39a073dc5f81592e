#include "orchestrator/llm/retry.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>
#include <string>

namespace caisson {
namespace {

constexpr unsigned max_retries = 2;
constexpr Millis longest_wait = std::chrono::seconds(120);

// A number without anything behind it, not negative.
std::optional<double> number(std::string_view text) {
  std::istringstream in{std::string(text)};
  in.imbue(std::locale::classic());
  double value = 0;
  if (!(in >> value) || !std::isfinite(value) || value < 0) return std::nullopt;
  in >> std::ws;
  return in.eof() ? std::optional(value) : std::nullopt;
}

std::optional<std::chrono::system_clock::time_point> http_date(std::string_view text) {
  // RFC 9110 5.6.7: the preferred form, and the two that are obsolete but must be read.
  for (const char* format :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::istringstream in{std::string(text)};
    in.imbue(std::locale::classic());
    std::tm time{};
    // libstdc++ takes a date that stops in the middle: its year is then missing.
    if (in >> std::get_time(&time, format) && time.tm_year >= 70) {
      return std::chrono::system_clock::from_time_t(timegm(&time));
    }
  }
  return std::nullopt;
}

// Not to be counted with beyond a day: the conversion to an integer must not overflow.
Millis millis(double value) {
  return Millis(static_cast<std::int64_t>(std::min(value, 86'400'000.0)));
}

}  // namespace

RetryAdvice read_advice(const RetryHeaders& headers, std::chrono::system_clock::time_point now) {
  RetryAdvice advice;
  if (headers.should_retry == "true") advice.should_retry = true;
  if (headers.should_retry == "false") advice.should_retry = false;
  if (const auto ms = number(headers.after_ms)) {
    advice.after = millis(*ms);
  } else if (const auto seconds = number(headers.after)) {
    advice.after = millis(*seconds * 1000);
  } else if (const auto date = http_date(headers.after)) {
    advice.after = std::chrono::duration_cast<Millis>(*date - now);
  }
  return advice;
}

std::optional<Millis> retry_delay(unsigned attempt, Failure failure, const RetryAdvice& advice,
                                  double random) {
  if (attempt >= max_retries) return std::nullopt;
  if (!advice.should_retry.value_or(failure == Failure::may_pass)) return std::nullopt;
  if (advice.after && *advice.after > longest_wait) return std::nullopt;
  if (advice.after && *advice.after > Millis(0)) return advice.after;
  const double backoff = std::min(8000.0, 500.0 * std::pow(2.0, attempt));
  return millis(backoff * (1 - 0.25 * random));
}

Failure failure_of_status(unsigned status) {
  return status == 408 || status == 409 || status == 429 || status >= 500 ? Failure::may_pass
                                                                          : Failure::will_stay;
}

}  // namespace caisson
