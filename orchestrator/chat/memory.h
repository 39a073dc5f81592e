// What a conversation remembers, within the number of tokens that a model can read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/chat/message.h"

namespace caisson {

// What goes to the model in one call, and what had to be left out of it.
struct MemoryWindow {
  std::vector<Message> messages;  // one system message, then user and assistant in turn
  std::uint64_t tokens = 0;       // as estimated
  std::uint32_t shrunk = 0;       // outputs of which only both ends are there
  std::uint32_t dropped = 0;      // messages that are not there
};

// A buffer of messages over the questions of one conversation. A value.
class Memory {
 public:
  // How many tokens a text has, roughly.
  using CountTokens = std::function<std::uint64_t(std::string_view)>;

  // Of a model's context window, what memory may fill; the rest is for the reply.
  static constexpr double window_share = 0.75;
  static std::uint64_t limit_for(std::uint32_t context_window);

  Memory(std::uint64_t limit_tokens, CountTokens count);

  void add_question(std::string text);
  void add_reply(std::string text);  // an empty one is not kept: servers refuse empty messages
  // The output of a block, or another word of ours in the middle of a question.
  void add_observation(Role role, std::string text);

  // The system prompt and as much of the past as fits. The prompt is not stored. To make room,
  // first old outputs shrink, the oldest first, then the oldest messages go. Never left out: the
  // last question and the last message, which also stay whole as long as anything else can give
  // way; then the last output shrinks too. Neighbours of equal role become one message.
  MemoryWindow window(std::string_view system_prompt) const;

  // For a server that says that the context is smaller than we believed.
  void lower_limit(std::uint64_t limit_tokens) { limit_tokens_ = limit_tokens; }
  std::uint64_t limit_tokens() const { return limit_tokens_; }
  std::size_t size() const { return entries_.size(); }
  std::vector<Message> messages() const;  // all of them, as they were added

 private:
  enum class Kind { question, reply, observation };
  struct Entry {
    Kind kind;
    Message message;
    std::uint64_t tokens;
    std::uint64_t shrunk_tokens;
  };

  void add(Kind kind, Role role, std::string text);

  std::uint64_t limit_tokens_;
  CountTokens count_;
  std::vector<Entry> entries_;
};

}  // namespace caisson
