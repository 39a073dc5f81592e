#include "sandbox/egress/refusal.h"

#include <fmt/format.h>

#include "sandbox/base/json.h"

namespace caisson {
namespace {

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 502:
      return "Bad Gateway";
    case 504:
      return "Gateway Timeout";
    default:
      return "Refused";
  }
}

}  // namespace

std::string response_of(const Refusal& refusal) {
  // "network.egress.allow (mine.yaml:7)": the line is what stands in the parentheses.
  const auto open = refusal.rule.rfind('(');
  const bool has_line = open != std::string::npos && refusal.rule.ends_with(')');
  const auto line =
      has_line ? refusal.rule.substr(open + 1, refusal.rule.size() - open - 2) : std::string();
  const auto body = to_text({{"denied", refusal.id},
                             {"rule", refusal.rule},
                             {"line", line},
                             {"hint", refusal.hint}}) +
                    "\n";
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}"
      "Connection: close\r\n\r\n{}",
      refusal.status, reason_of(refusal.status), body.size(),
      refusal.status == 429 ? "Retry-After: 10\r\n" : "", body);
}

}  // namespace caisson
