// Sizes and durations as policies spell them, and the word that somebody may have meant.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caisson {

// "512Mi", "2Gi", "64Ki", "1Ti", or plain bytes. Nothing for anything else, also when it does not
// fit into 64 bits.
std::optional<std::uint64_t> parse_size(std::string_view text);
// The shortest exact form: 536870912 -> "512Mi", 1000 -> "1000".
std::string format_size(std::uint64_t bytes);

// "200ms", "10s", "5m", "1h". Nothing for anything else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds time);

// A non-negative decimal number without sign, spaces or fraction.
std::optional<std::uint64_t> parse_whole(std::string_view text);

// What the text was probably meant to be in our spelling: "2GB" -> "2Gi", "10 seconds" -> "10s".
// Empty when there is no guess.
std::string guess_size(std::string_view text);
std::string guess_duration(std::string_view text);

// The candidate nearest to `word` (edit distance, neighbours swapped count once, without regard to
// case, "_" and "-"), or empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace caisson
