// YAML as a tree that knows where each piece stands. The only user of yaml-cpp is yaml.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/policy/finding.h"

namespace caisson {

struct YamlEntry;

struct YamlNode {
  enum class Kind { nothing, text, list, map };  // nothing: empty, "~" or "null"
  Kind kind = Kind::nothing;
  std::string text;
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;  // in the order of the file, keys are unique
  int line = 0;                    // from 1
  int column = 0;                  // from 1
};

struct YamlEntry {
  YamlNode key;  // a text
  YamlNode value;
};

// Limits, so that a small file cannot become a large tree.
inline constexpr std::size_t max_yaml_bytes = 256 << 10;
inline constexpr std::size_t max_yaml_depth = 16;
inline constexpr std::size_t max_yaml_nodes = 20000;  // an alias counts with all that it stands for

// The one document in `text`. `file` names it in findings. Anchors and aliases work, tags and
// merge keys ("<<") do not. What cannot be read ends up in `findings`; the tree is then partial.
YamlNode read_yaml(std::string_view text, const std::string& file, std::vector<Finding>& findings);

}  // namespace caisson
