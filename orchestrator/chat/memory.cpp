#include "orchestrator/chat/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace caisson {

namespace {

// What servers add to each message for its role and delimiters: OpenAI's guide to counting tokens
// of chat messages gives 3.
constexpr std::uint64_t tokens_per_message = 3;
// Of an output that shrinks, what stays at each end: a screen line or two.
constexpr std::size_t kept_end_bytes = 160;

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::string shrink(const std::string& text) {
  if (text.size() <= 3 * kept_end_bytes) return text;
  auto head = kept_end_bytes;
  while (head > 0 && continues_character(text[head])) --head;
  auto tail = text.size() - kept_end_bytes;
  while (tail < text.size() && continues_character(text[tail])) ++tail;
  return fmt::format("{}\n[… {} bytes of this old output left out …]\n{}", text.substr(0, head),
                     tail - head, text.substr(tail));
}

// What becomes of an entry in a window.
enum class Fate { whole, shrunk, dropped };

}  // namespace

std::uint64_t Memory::limit_for(std::uint32_t context_window) {
  return static_cast<std::uint64_t>(context_window * window_share);
}

Memory::Memory(std::uint64_t limit_tokens, CountTokens count)
    : limit_tokens_(limit_tokens), count_(std::move(count)) {}

void Memory::add_question(std::string text) {
  add(Kind::question, Role::user, std::move(text));
}

void Memory::add_reply(std::string text) {
  if (text.empty()) return;
  add(Kind::reply, Role::assistant, std::move(text));
}

void Memory::add_observation(Role role, std::string text) {
  add(Kind::observation, role, std::move(text));
}

void Memory::add(Kind kind, Role role, std::string text) {
  const auto tokens = count_(text) + tokens_per_message;
  const auto shrunk =
      kind == Kind::observation ? count_(shrink(text)) + tokens_per_message : tokens;
  entries_.push_back({kind, {role, std::move(text)}, tokens, shrunk});
}

std::vector<Message> Memory::messages() const {
  std::vector<Message> all;
  for (const auto& entry : entries_) all.push_back(entry.message);
  return all;
}

MemoryWindow Memory::window(std::string_view system_prompt) const {
  MemoryWindow window;
  window.tokens = count_(system_prompt) + tokens_per_message;
  for (const auto& entry : entries_) window.tokens += entry.tokens;

  const auto count = entries_.size();
  std::size_t last_question = count;
  for (std::size_t i = 0; i < count; ++i) {
    if (entries_[i].kind == Kind::question) last_question = i;
  }
  std::vector<Fate> fates(count, Fate::whole);
  const auto too_many = [&] { return window.tokens > limit_tokens_; };
  const auto shrink_one = [&](std::size_t i) {
    if (entries_[i].shrunk_tokens >= entries_[i].tokens) return;
    window.tokens -= entries_[i].tokens - entries_[i].shrunk_tokens;
    fates[i] = Fate::shrunk;
    ++window.shrunk;
  };
  for (std::size_t i = 0; i + 1 < count && too_many(); ++i) shrink_one(i);
  for (std::size_t i = 0; i + 1 < count && too_many(); ++i) {
    if (i == last_question) continue;
    if (fates[i] == Fate::shrunk) --window.shrunk;
    window.tokens -= fates[i] == Fate::shrunk ? entries_[i].shrunk_tokens : entries_[i].tokens;
    fates[i] = Fate::dropped;
    ++window.dropped;
  }
  if (count > 0 && too_many()) shrink_one(count - 1);

  window.messages.push_back({Role::system, std::string(system_prompt)});
  for (std::size_t i = 0; i < count; ++i) {
    if (fates[i] == Fate::dropped) continue;
    const auto& message = entries_[i].message;
    // A conversation begins with the user: a reply whose question is gone makes no sense, and some
    // chat templates refuse it.
    if (window.messages.size() == 1 && message.role == Role::assistant) {
      ++window.dropped;
      window.tokens -= fates[i] == Fate::shrunk ? entries_[i].shrunk_tokens : entries_[i].tokens;
      continue;
    }
    auto text = fates[i] == Fate::shrunk ? shrink(message.content) : message.content;
    auto& before = window.messages.back();
    if (window.messages.size() > 1 && before.role == message.role) {
      before.content += "\n\n" + text;
    } else {
      window.messages.push_back({message.role, std::move(text)});
    }
  }
  return window;
}

}  // namespace caisson
