// A model that plays turns from a file, so that everything runs without a network: `script:FILE`.
//
// The format is text that a person writes by hand:
//
//   # Comments may stand before the first turn.
//   --- turn
//   I will add them up.
//   <execute>
//   sum(range(1, 11))
//   </execute>
//   --- turn delay=5ms chunk=7
//   --- expect \b55\b
//   The sum is 55.
//
// A line `--- turn` begins a turn; the lines after it are the reply, without the blank lines at its
// end. Options of a turn:
//   chunk=N     characters in one delta, default 12
//   delay=Nms   wait before each delta, default none
//   end=length | truncated   the reply ends so instead of `finished`
// Directly after `--- turn` may stand lines `--- expect REGEX`: the last message of the request
// must match, or the turn is an error. That makes a script a test. Expressions are those of grep
// -E, where ^ and $ are the ends of a line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/llm/model.h"

namespace caisson {

struct ScriptTurn {
  std::string text;
  std::vector<std::string> expected;  // regular expressions
  std::size_t chunk = 12;
  std::chrono::milliseconds delay{0};
  ReplyEnd end = ReplyEnd::finished;
  std::size_t line = 0;  // of its `--- turn`, from 1
};

// `file` is for messages. Error: bad_input, with file and line.
Result<std::vector<ScriptTurn>> parse_script(std::string_view text, const std::string& file);

class ScriptedModel final : public Model {
 public:
  ScriptedModel(std::string file, std::vector<ScriptTurn> turns, std::uint32_t context_window)
      : file_(std::move(file)), turns_(std::move(turns)), context_window_(context_window) {}

  // Each call plays the next turn. Errors: bad_input (no turn is left, or the request is not what
  // the turn expects), timed_out.
  boost::asio::awaitable<Result<Reply>> complete(Request request, Deadline deadline,
                                                 Reader reader) override;
  std::string name() const override { return "script:" + file_; }
  std::uint32_t context_window() const override { return context_window_; }
  std::size_t turns_left() const { return turns_.size() - next_; }

 private:
  std::string file_;
  std::vector<ScriptTurn> turns_;
  std::uint32_t context_window_;
  std::size_t next_ = 0;
};

// Reads a script. `context_window` of 0 is 128000. Errors: not_found, io, bad_input.
Result<std::unique_ptr<ScriptedModel>> load_script(const std::string& file,
                                                   std::uint32_t context_window = 0);

}  // namespace caisson
