#include "orchestrator/llm/scripted.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "orchestrator/llm/tokens.h"
#include "sandbox/base/async.h"

namespace caisson {
namespace {

// POSIX and not std::regex: the latter recurses for every character and overflows the stack on a
// long observation (libstdc++ bug 86164).
class Pattern {
 public:
  explicit Pattern(const std::string& text)
      : status_(regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NEWLINE | REG_NOSUB)) {}
  ~Pattern() {
    if (status_ == 0) regfree(&compiled_);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  std::optional<std::string> problem() const {
    if (status_ == 0) return std::nullopt;
    std::array<char, 200> text{};
    regerror(status_, &compiled_, text.data(), text.size());
    return text.data();
  }
  bool matches(const std::string& text) const {
    return regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
  int status_;
};

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [last, problem] = std::from_chars(text.data(), end, number);
  return problem == std::errc() && last == end;
}

// "chunk=7", "delay=5ms", "end=length". False: not one of them.
bool read_option(std::string_view option, ScriptTurn& turn) {
  if (option.starts_with("chunk=")) {
    return read_number(option.substr(6), turn.chunk) && turn.chunk > 0;
  }
  if (option.starts_with("delay=") && option.ends_with("ms")) {
    unsigned ms = 0;
    const bool good = read_number(option.substr(6, option.size() - 8), ms);
    turn.delay = std::chrono::milliseconds(ms);
    return good;
  }
  if (option == "end=length") turn.end = ReplyEnd::length;
  if (option == "end=truncated") turn.end = ReplyEnd::truncated;
  return turn.end != ReplyEnd::finished;
}

// The next `count` characters of UTF-8 text.
std::string_view characters(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (at < text.size() && count > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    --count;
  }
  return text.substr(0, at);
}

std::string ordinal(std::size_t number) {
  constexpr std::array names = {"zeroth", "first",   "second", "third", "fourth", "fifth",
                                "sixth",  "seventh", "eighth", "ninth", "tenth"};
  return number < names.size() ? names[number] : "turn number " + std::to_string(number);
}

std::string shortened(const std::string& text) {
  constexpr std::size_t max_bytes = 400;
  if (text.size() <= max_bytes) return text;
  return std::string(characters(text, max_bytes / 4)) + "…";
}

}  // namespace

Result<std::vector<ScriptTurn>> parse_script(std::string_view text, const std::string& file) {
  std::vector<ScriptTurn> turns;
  std::size_t number = 0;
  const auto bad = [&](const std::string& why) {
    return Error(Errc::bad_input, file + ":" + std::to_string(number) + ": " + why);
  };
  bool in_text = false;  // a line of the reply has come
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);

    if (line == "--- turn" || line.starts_with("--- turn ")) {
      ScriptTurn turn;
      turn.line = number;
      std::istringstream options{std::string(line.substr(8))};
      for (std::string option; options >> option;) {
        if (!read_option(option, turn)) {
          return bad("'" + option +
                     "' is not an option of a turn (delay=5ms, chunk=7, "
                     "end=length, end=truncated)");
        }
      }
      turns.push_back(std::move(turn));
      in_text = false;
    } else if (turns.empty()) {
      if (!line.empty() && !line.starts_with('#')) {
        return bad("text before the first line '--- turn'");
      }
    } else if (line.starts_with("--- expect ")) {
      if (in_text) return bad("'--- expect' must stand directly after '--- turn'");
      std::string pattern(line.substr(11));
      if (const auto problem = Pattern(pattern).problem()) {
        return bad("'" + pattern + "' is not a regular expression of grep -E: " + *problem);
      }
      turns.back().expected.push_back(std::move(pattern));
    } else {
      in_text = true;
      turns.back().text.append(line).append("\n");
    }
  }
  if (turns.empty()) {
    return Error(Errc::bad_input, file + ": no turns: each begins with a line '--- turn'");
  }
  for (ScriptTurn& turn : turns) {
    while (turn.text.ends_with('\n')) turn.text.pop_back();
  }
  return turns;
}

boost::asio::awaitable<Result<Reply>> ScriptedModel::complete(Request request, Deadline deadline,
                                                              Reader reader) {
  if (next_ == turns_.size()) {
    const std::string have =
        std::to_string(turns_.size()) + (turns_.size() == 1 ? " turn" : " turns");
    co_return Error(Errc::bad_input, "script " + file_ + " has " + have + " and a " +
                                         ordinal(next_ + 1) + " was asked for");
  }
  const ScriptTurn& turn = turns_[next_++];
  const std::string last = request.messages.empty() ? "" : request.messages.back().content;
  for (const std::string& pattern : turn.expected) {
    if (Pattern(pattern).matches(last)) continue;
    co_return Error(Errc::bad_input, file_ + ":" + std::to_string(turn.line) + ": the " +
                                         ordinal(next_) +
                                         " turn expects a last message that "
                                         "matches '" +
                                         pattern + "', but it is:\n" + shortened(last));
  }

  Reply reply;
  reply.end = turn.end;
  reply.finish_reason = turn.end == ReplyEnd::finished ? "stop"
                        : turn.end == ReplyEnd::length ? "length"
                                                       : "";
  if (turn.end == ReplyEnd::truncated) reply.problem = file_ + ": the script lets it break off";
  for (std::string_view rest = turn.text; !rest.empty();) {
    // Even without a delay others have their turn between two deltas, as with a network.
    if (turn.delay.count() > 0) {
      co_await sleep_for(std::min<Clock::duration>(turn.delay, deadline.left()));
    } else {
      co_await boost::asio::post(boost::asio::use_awaitable);
    }
    if (deadline.passed()) {
      co_return Error(Errc::timed_out, "script " + file_ + ": the answer took too long");
    }
    Delta delta;
    delta.content = characters(rest, turn.chunk);
    rest.remove_prefix(delta.content.size());
    reply.content += delta.content;
    if (reader && reader(delta) == Reading::enough) {
      reply.end = ReplyEnd::stopped;
      reply.finish_reason.clear();
      reply.problem.clear();
      break;
    }
  }
  for (const Message& message : request.messages) {
    reply.usage.prompt += estimate_tokens(message.content);
  }
  reply.usage.completion = estimate_tokens(reply.content);
  reply.usage.estimated = true;
  co_return reply;
}

Result<std::unique_ptr<ScriptedModel>> load_script(const std::string& file,
                                                   std::uint32_t context_window) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return Error(Errc::not_found, "--model script:" + file +
                                      ": there is no such file, or it may "
                                      "not be read");
  }
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad() || text.fail()) {
    return Error(Errc::io, "--model script:" + file + ": it is empty or cannot be read");
  }
  auto turns = parse_script(text.str(), file);
  if (!turns) return turns.error();
  return std::make_unique<ScriptedModel>(file, std::move(*turns),
                                         context_window != 0 ? context_window : 128'000);
}

}  // namespace caisson
