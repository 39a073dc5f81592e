#include "sandbox/policy/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace caisson {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr Unit sizes[] = {
    {"Ti", 1ULL << 40}, {"Gi", 1ULL << 30}, {"Mi", 1ULL << 20}, {"Ki", 1ULL << 10}, {"", 1}};
constexpr Unit durations[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

// Number and what follows it: "512Mi" -> 512, "Mi".
std::pair<std::optional<std::uint64_t>, std::string_view> split(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  return {parse_whole(digits), text.substr(digits.size())};
}

template <std::size_t n>
std::optional<std::uint64_t> parse(std::string_view text, const Unit (&units)[n]) {
  const auto [number, rest] = split(text);
  if (!number) return std::nullopt;
  for (const auto& unit : units) {
    if (rest != unit.name) continue;
    if (*number > std::numeric_limits<std::uint64_t>::max() / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t n>
std::string format(std::uint64_t value, const Unit (&units)[n]) {
  for (const auto& unit : units) {
    if (value >= unit.factor && value % unit.factor == 0) {
      return fmt::format("{}{}", value / unit.factor, unit.name);
    }
  }
  return fmt::format("{}{}", value, units[n - 1].name);
}

std::string lower(std::string_view text, std::string_view without) {
  std::string result;
  for (const char letter : text) {
    if (without.find(letter) != without.npos) continue;
    result += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  return result;
}

// Letters to add, drop, change, or swap with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last;
  std::vector<std::size_t> last(b.size() + 1);
  for (std::size_t j = 0; j < last.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = std::move(last);
    last = std::move(row);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::uint64_t> parse_whole(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.empty()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse(text, sizes);
}

std::string format_size(std::uint64_t bytes) {
  return format(bytes, sizes);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse(text, durations);
  if (!value || *value > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return std::chrono::milliseconds(*value);
}

std::string format_duration(std::chrono::milliseconds time) {
  return format(static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count())), durations);
}

std::string guess_size(std::string_view text) {
  const auto plain = lower(text, " _,");
  const auto [number, rest] = split(plain);
  if (!number || rest.empty()) return "";
  const auto unit = std::string_view("kmgt").find(rest[0]);
  if (unit == std::string_view::npos) return rest[0] == 'b' ? std::to_string(*number) : "";
  constexpr std::string_view names[] = {"Ki", "Mi", "Gi", "Ti"};
  return fmt::format("{}{}", *number, names[unit]);
}

std::string guess_duration(std::string_view text) {
  const auto plain = lower(text, " _,");
  const auto [number, rest] = split(plain);
  if (!number) return "";
  if (rest.empty() || rest[0] == 's') return fmt::format("{}s", *number);
  if (rest.starts_with("ms") || rest.starts_with("mil")) return fmt::format("{}ms", *number);
  if (rest[0] == 'm') return fmt::format("{}m", *number);
  if (rest[0] == 'h') return fmt::format("{}h", *number);
  if (rest[0] == 'd') return fmt::format("{}h", *number * 24);
  return "";
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  const auto wanted = lower(word, "_-");
  std::string best;
  auto best_distance = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const auto far = distance(wanted, lower(candidate, "_-"));
    if (far < best_distance) {
      best = candidate;
      best_distance = far;
    }
  }
  return best;
}

}  // namespace caisson
