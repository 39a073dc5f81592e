#pragma once

#include <cstdint>
#include <string_view>

namespace caisson {

// Roughly how many tokens a text has, for when the provider did not count: one for four ASCII
// characters, which is what OpenAI gives as the rule of thumb for English, and one for each other
// character (Chinese has between one and two characters a token).
std::uint64_t estimate_tokens(std::string_view text);

// Tokens that a model can read at once, by its name; 8192 for one that we do not know.
std::uint32_t known_context_window(std::string_view model);

}  // namespace caisson
