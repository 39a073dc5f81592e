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

// A map by keys of the user's choice to records with leaves of their own: mounts by target, rules
// by host. Rows merge by key, as the entries of a map do. table.h makes one of a vector of records.
struct Table {
  struct Leaf {
    std::string name;
    bool bare = false;  // as Field::bare
    bool list = false;
    bool first = false;  // read before the others: it may reset them
    std::string schema;  // of its value, or of an element of it: a JSON Schema as text
    // What is wrong with the text, for a person, or empty. Of a list: adds one element.
    std::function<std::string(std::string_view, Policy&, const std::string& key)> read;
    std::function<void(Policy&, const std::string& key)> clear;  // of a list
    // Its text as YAML, one for each element of a list; none: it says nothing in this row.
    std::function<std::vector<std::string>(const Policy&, const std::string& key)> write;
  };
  std::string of;       // "target to mount", for messages
  std::string example;  // a row
  std::vector<Leaf> leaves;
  std::function<std::vector<std::string>(const Policy&)> keys;
  std::function<void(Policy&, const std::string& key)> add;  // when it is not there
  std::function<void(Policy&, const std::string& key)> remove;
};

struct Field {
  enum class Kind { scalar, list, map, table };
  std::string path;  // "resources.memory.max"
  Kind kind = Kind::scalar;
  bool bare = false;  // its YAML is also its JSON: a number, true or false
  std::string schema = R"({"type": "string"})";  // of a scalar: a JSON Schema as text

  // Scalars. read: what is wrong with the text, for a person, or empty. write: its text, or
  // nothing when it was never set.
  std::function<std::string(std::string_view, Policy&)> read;
  std::function<std::optional<std::string>(const Policy&)> write;

  // Lists and maps with keys of the user's choice.
  std::vector<std::string>& (*list)(Policy&) = nullptr;
  std::map<std::string, std::string>& (*map)(Policy&) = nullptr;
  const Table* table = nullptr;
};

const std::vector<Field>& policy_fields();
// The field at this path, or nullptr.
const Field* find_field(std::string_view path);

const Table& mount_table();       // filesystem.mounts
const Table& egress_table();      // network.egress.allow
const Table& credential_table();  // network.egress.credentials

// A text as YAML: bare when it can be, else in double quotes.
std::string yaml_text(std::string_view text);

}  // namespace caisson
