#include "orchestrator/llm/tokens.h"

namespace caisson {

std::uint64_t estimate_tokens(std::string_view text) {
  std::uint64_t ascii = 0;
  std::uint64_t others = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) ++ascii;
    if (byte >= 0xC0) ++others;  // the first byte of a longer character
  }
  return (ascii + 3) / 4 + others;
}

std::uint32_t known_context_window(std::string_view model) {
  struct Known {
    std::string_view prefix;
    std::uint32_t tokens;
  };
  // From the providers' model pages. A longer prefix stands before a shorter one. Models that
  // people run themselves are not here: their window is what the server was started with.
  constexpr Known table[] = {
      {"gpt-4o", 128'000},
      {"gpt-4.1", 1'047'576},
      {"gpt-4-turbo", 128'000},
      {"gpt-4-32k", 32'768},
      {"gpt-4", 8'192},
      {"gpt-5", 272'000},
      {"chatgpt-4o", 128'000},
      {"gpt-3.5", 16'385},
      {"o1-mini", 128'000},
      {"o1-preview", 128'000},
      {"o1", 200'000},
      {"o3", 200'000},
      {"o4-mini", 200'000},
      {"claude-", 200'000},
      {"gemini-", 1'048'576},
      {"deepseek-chat", 65'536},
      {"deepseek-reasoner", 65'536},
      {"mistral-large", 128'000},
  };
  // "openai/gpt-4o" as gateways name it.
  model = model.substr(model.rfind('/') + 1);
  for (const Known& known : table) {
    if (model.starts_with(known.prefix)) return known.tokens;
  }
  return 8'192;
}

}  // namespace caisson
