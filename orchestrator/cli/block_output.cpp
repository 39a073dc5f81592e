#include "orchestrator/cli/block_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "orchestrator/cli/terminal.h"
#include "sandbox/base/json.h"

namespace caisson {

void TerminalSink::output(OutputStream stream, std::string_view bytes) {
  auto* file = stream == OutputStream::err ? stderr : stdout;
  const auto text = ::isatty(::fileno(file)) != 0 ? printable(bytes) : std::string(bytes);
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

boost::asio::awaitable<Result<nlohmann::json>> RefusingTools::call(ToolCall call) {
  co_return Error(Errc::not_found, fmt::format("there is no host tool '{}' here", call.name));
}

namespace {

// Its head has been printed as it came.
void print_tail(const Stream& stream, FILE* file) {
  if (!stream.truncated()) return;
  const auto missing = stream.total_bytes - stream.head.size() - stream.tail.size();
  fmt::print(file, "\n[… {} of {} bytes not kept …]\n{}", missing, stream.total_bytes,
             ::isatty(::fileno(file)) != 0 ? printable(stream.tail) : stream.tail);
}

}  // namespace

void print_outcome(const Outcome& outcome) {
  print_tail(outcome.out, stdout);
  print_tail(outcome.err, stderr);
  if (outcome.value.is_object()) {
    const auto text = get_string(outcome.value, "text/plain");
    if (!text.empty()) fmt::print("{}\n", ::isatty(STDOUT_FILENO) != 0 ? printable(text) : text);
  }
  if (outcome.error) {
    const auto& traceback = outcome.error->traceback;
    fmt::print(stderr, "{}{}", printable(traceback), traceback.ends_with('\n') ? "" : "\n");
  }
  if (outcome.status == Status::denied) {
    fmt::print(stderr, "caisson: the block did not run: {}\n", outcome.reason);
    return;
  }
  for (const auto& denial : outcome.denials) {
    fmt::print(stderr, "caisson: denied: {} ({}) by {}. {}\n", denial.subject, denial.error,
               denial.rule, denial.hint);
  }
  if (outcome.status != Status::ok && !outcome.reason.empty()) {
    fmt::print(stderr, "caisson: block {}: {}: {}; state: {}\n", outcome.block,
               name(outcome.status), outcome.reason, describe(outcome.state));
  }
  std::fflush(stdout);
}

}  // namespace caisson
