#include "orchestrator/cli/block_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
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

namespace {

// One line: "files: new plot.png (12.0 KiB), changed data.csv (3 bytes)"
void print_files(const Outcome::Files& files) {
  constexpr std::size_t most = 8;
  std::vector<std::string> words;
  for (const auto& file : files.made) {
    words.push_back("new " + shown_name(file.name) + " (" + shown_size(file.size_bytes) + ")");
  }
  for (const auto& file : files.changed) {
    words.push_back("changed " + shown_name(file.name) + " (" + shown_size(file.size_bytes) + ")");
  }
  for (const auto& file : files.removed) words.push_back("removed " + shown_name(file.name));
  if (words.empty()) return;
  const auto rest = files.more + (words.size() > most ? words.size() - most : 0);
  words.resize(std::min(words.size(), most));
  auto line = fmt::format("{}", fmt::join(words, ", "));
  if (rest > 0) line += fmt::format(", and {} more", rest);
  fmt::print(stderr, "caisson: files: {}\n", printable(line));
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
  print_files(outcome.files);
  if (outcome.status == Status::denied) {
    const auto id = outcome.denials.empty() ? "" : " [" + outcome.denials[0].id + "]";
    fmt::print(stderr, "caisson: the block did not run: {}{}\n", outcome.reason, id);
    return;
  }
  if (const auto code = outcome.guarantees.find("code"); code != outcome.guarantees.end()) {
    fmt::print(stderr, "caisson: {}\n", printable(code->get<std::string>()));
  }
  for (const auto& denial : outcome.denials) {
    const auto error = denial.error.empty() ? "" : " (" + denial.error + ")";
    const auto line = fmt::format("{}: {}{} by {}. {} [{}]", what_it_is(denial), denial.subject,
                                  error, denial.rule, denial.hint, denial.id);
    fmt::print(stderr, "caisson: {}\n", printable(line));
  }
  if (outcome.status != Status::ok && !outcome.reason.empty()) {
    fmt::print(stderr, "caisson: block {}: {}: {}; state: {}\n", outcome.block,
               name(outcome.status), outcome.reason, describe(outcome.state));
  }
  std::fflush(stdout);
}

}  // namespace caisson
