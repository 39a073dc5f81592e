// Every leaf of a policy: its path in YAML and how its value is read and written. parse.cpp and
// show.cpp walk this table, so that no key can be read and not shown.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/policy/policy.h"

namespace caisson {

struct Field {
  enum class Kind { scalar, list, map, mounts };
  std::string path;  // "resources.memory.max"
  Kind kind = Kind::scalar;
  bool bare = false;  // its YAML is also its JSON: a number, true or false

  // Scalars. read: what is wrong with the text, for a person, or empty. write: its text, or
  // nothing when it was never set.
  std::function<std::string(std::string_view, Policy&)> read;
  std::function<std::optional<std::string>(const Policy&)> write;

  // Lists and maps with keys of the user's choice.
  std::vector<std::string>& (*list)(Policy&) = nullptr;
  std::map<std::string, std::string>& (*map)(Policy&) = nullptr;
};

const std::vector<Field>& policy_fields();
// The field at this path, or nullptr.
const Field* find_field(std::string_view path);

// The leaves of one mount, as a policy's filesystem.mounts has them below its target.
struct MountField {
  std::string name;
  bool bare = false;
  std::function<std::string(std::string_view, Mount&)> read;
  std::function<std::optional<std::string>(const Mount&)> write;  // nothing: not of this type
};
const std::vector<MountField>& mount_fields();

// A text as YAML: bare when it can be, else in double quotes.
std::string yaml_text(std::string_view text);

}  // namespace caisson
