#include "orchestrator/cli/block_time.h"

#include <fmt/format.h>

#include "orchestrator/cli/terminal.h"
#include "sandbox/policy/units.h"

namespace caisson {

Result<std::chrono::milliseconds> parse_block_time(const std::string& flag, const Policy& policy) {
  const auto time = parse_time(flag);
  if (!time) return Error(Errc::bad_input, "--timeout: " + time.error().message);
  if (*time <= policy.time.block) return *time;
  const auto origin = policy.origins.find("time.block");
  const auto where = origin == policy.origins.end()
                         ? std::string()
                         : fmt::format(" ({}:{})", origin->second.file, origin->second.line);
  const auto limit = format_duration(policy.time.block);
  return Error(
      Errc::bad_input,
      fmt::format("--timeout: {} is more than the policy grants, time.block: {}{}; give at "
                  "most {}, or --policy with a file that grants more",
                  flag, limit, where, limit));
}

}  // namespace caisson
