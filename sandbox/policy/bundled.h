// The policies of policies/*.yaml, which are part of the binary.
#pragma once

#include <span>
#include <string_view>

namespace caisson {

struct BundledPolicy {
  std::string_view name;  // "strict"
  std::string_view yaml;
};

std::span<const BundledPolicy> bundled_policies();

// policies/README.md from "## Keys" on, as far as it has tables of keys.
std::string_view policy_keys();

}  // namespace caisson
