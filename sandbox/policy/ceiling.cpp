#include "sandbox/policy/ceiling.h"

#include <fmt/format.h>

#include "sandbox/policy/diff.h"
#include "sandbox/policy/parse.h"

namespace caisson {

Result<void> check_ceiling(const Policy& policy, const CompiledPolicy& compiled,
                           const std::string& ceiling) {
  const auto bound = load_policy(ceiling);
  if (!bound) return bound.error();
  const auto bound_compiled = compile(*bound);
  if (!bound_compiled) return bound_compiled.error();
  const auto differences = diff({*bound, *bound_compiled}, {policy, compiled});
  if (!differences) return differences.error();
  constexpr std::size_t most = 30;
  std::string lines;
  std::size_t count = 0;
  for (const auto& each : *differences) {
    if (each.kind != Difference::Kind::grants || ++count > most) continue;
    lines += fmt::format("\n  {}  # {}", each.text, each.rule);
  }
  if (count == 0) return boost::system::in_place_value;
  if (count > most) lines += fmt::format("\n  and {} more", count - most);
  return Error(Errc::bad_policy,
               fmt::format("policy '{}' grants more than the ceiling {} allows (tighten these, or "
                           "ask who runs this host):{}",
                           policy.name, ceiling, lines));
}

}  // namespace caisson
