// One file's tree, laid over what its parents have said. Private to parse.cpp.
#pragma once

#include <string>
#include <vector>

#include "sandbox/policy/fields.h"
#include "sandbox/policy/finding.h"
#include "sandbox/policy/yaml.h"

namespace caisson {

// Scalars override, lists replace or, written `key+` and `key-`, add and remove, maps merge by key
// (an empty value removes the key). The keys `version` and `extends` are left alone.
class PolicyReader {
 public:
  PolicyReader(std::string file, Policy& policy, std::vector<Finding>& findings)
      : file_(std::move(file)), policy_(policy), findings_(findings) {}

  void read(const YamlNode& root) { read_section(root, ""); }

 private:
  void read_section(const YamlNode& section, const std::string& prefix);
  void read_entry(const YamlEntry& entry, const std::string& path);
  void read_scalar(const Field& field, const YamlNode& value);
  void read_list(const Field& field, const YamlEntry& entry, char operation);
  void read_map(const Field& field, const YamlNode& value);
  void read_table(const Field& field, const YamlNode& value);
  void read_row(const Table& table, const YamlEntry& entry, const std::string& path);
  void read_leaf(const Table::Leaf& leaf, const YamlNode& value, const std::string& key,
                 const std::string& row_path);
  void unknown_key(const YamlNode& key, const std::string& path);

  Origin at(const YamlNode& node) const { return {file_, node.line, node.column}; }
  void wrong(const YamlNode& node, std::string id, const std::string& path, std::string text);
  void forget(const std::string& prefix);  // origins that begin with it

  std::string file_;
  Policy& policy_;
  std::vector<Finding>& findings_;
};

}  // namespace caisson
