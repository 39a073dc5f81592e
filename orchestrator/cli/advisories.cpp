#include "orchestrator/cli/advisories.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace caisson {
namespace {

struct Version {
  std::array<int, 3> numbers{};
  int candidate = 1 << 20;  // of "-rc.3": 3; a release comes after all of its candidates
};

int take_number(std::string_view& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc() ? number : 0;
}

Version parse(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  if (const auto epoch = text.find(':'); epoch != text.npos) text.remove_prefix(epoch + 1);
  Version version;
  for (auto& number : version.numbers) {
    number = take_number(text);
    if (!text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  for (const std::string_view mark : {"-rc.", "-rc", "~rc.", "~rc"}) {
    if (!text.starts_with(mark)) continue;
    text.remove_prefix(mark.size());
    version.candidate = take_number(text);
    break;
  }
  return version;
}

bool same_branch(std::string_view one, std::string_view other) {
  const auto a = parse(one).numbers;
  const auto b = parse(other).numbers;
  return a[0] == b[0] && a[1] == b[1];
}

}  // namespace

std::span<const Advisory> advisories() {
  static const std::vector<Advisory> table{
      // runc's CHANGELOG, 1.1.12.
      {"runc",
       "CVE-2024-21626",
       "a descriptor of the host's root leaks into containers",
       {"1.1.12"}},
      // runc's advisories of 2025-11-05.
      {"runc",
       "CVE-2025-31133, -52565, -52881",
       "races while a container is made lead to writes in the host's /proc; images that nobody "
       "else writes are the way out until then",
       {"1.2.8", "1.3.3", "1.4.0-rc.3"}},
      // runc's CHANGELOG, 1.3.6.
      {"runc",
       "CVE-2026-41579",
       "an image whose /dev is a link leads to limited writes on the host; use your own images",
       {"1.3.6", "1.4.3", "1.5.0-rc.3"}},
      // The CVE's own text. Policies allow no such user.
      {"containerd",
       "CVE-2024-40635",
       "a user id beyond 2^31 becomes root",
       {"1.6.38", "1.7.27", "2.0.4"}},
      // Texts of containerd's pull requests; a repair of 2.0 is not known to us.
      {"containerd",
       "CVE-2024-25621, CVE-2025-64329",
       "directories that every user may enter; memory lost with each attach",
       {"1.7.29", "2.1.5"}},
      // The CVE's own text.
      {"docker",
       "CVE-2024-41110",
       "authorization plugins can be passed by; it matters only to who has one",
       {"27.1.1"}},
  };
  return table;
}

int compare_versions(std::string_view one, std::string_view other) {
  const auto a = parse(one);
  const auto b = parse(other);
  if (a.numbers != b.numbers) return a.numbers < b.numbers ? -1 : 1;
  return a.candidate < b.candidate ? -1 : a.candidate > b.candidate ? 1 : 0;
}

Standing standing(const Advisory& advisory, std::string_view version, std::string_view package) {
  const auto has_repair = [&](std::string_view fixed) {
    return same_branch(version, fixed) && compare_versions(version, fixed) >= 0;
  };
  const auto& fixed = advisory.fixed_in;
  // Branches that began after the last repair have it from their beginning.
  if (std::any_of(fixed.begin(), fixed.end(), has_repair) ||
      compare_versions(version, fixed.back()) >= 0) {
    return Standing::fixed;
  }
  // Debian and Ubuntu mark a package that they repair: +deb12u1, ubuntu0.22.04.1.
  const bool repaired =
      package.find("+deb") != package.npos || package.find("ubuntu") != package.npos;
  return repaired ? Standing::distribution : Standing::open;
}

}  // namespace caisson
