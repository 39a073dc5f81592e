#include "sandbox/policy/schema.h"

#include <string_view>
#include <vector>

#include "sandbox/policy/bundled.h"
#include "sandbox/policy/fields.h"

namespace caisson {
namespace {

using json = nlohmann::ordered_json;

// Which table of the README a heading line begins: the records of a Field::Kind::table.
constexpr std::pair<std::string_view, std::string_view> records[] = {
    {"A mount:", "filesystem.mounts.*."},
    {"A rule of `network.egress.allow`:", "network.egress.allow.*."},
    {"A credential of `network.egress.credentials`:", "network.egress.credentials.*."},
};

std::vector<std::string> cells(std::string_view row) {
  std::vector<std::string> found;
  std::string cell;
  for (std::size_t i = 1; i < row.size(); ++i) {
    if (row[i] == '\\' && i + 1 < row.size() && row[i + 1] == '|') {
      cell += row[++i];
    } else if (row[i] == '|') {
      const auto first = cell.find_first_not_of(' ');
      const auto last = cell.find_last_not_of(' ');
      found.push_back(first == cell.npos ? "" : cell.substr(first, last - first + 1));
      cell.clear();
    } else {
      cell += row[i];
    }
  }
  return found;
}

// What stands in the first cell: "`process.user`, `process.group`".
std::vector<std::string> keys_in(std::string_view cell) {
  std::vector<std::string> keys;
  for (auto at = cell.find('`'); at != cell.npos; at = cell.find('`', at)) {
    const auto end = cell.find('`', at + 1);
    if (end == cell.npos) break;
    keys.emplace_back(cell.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return keys;
}

json list_of(json element) {
  return {{"type", "array"}, {"items", std::move(element)}};
}

json with_description(json schema, const std::map<std::string, std::string>& meanings,
                      const std::string& key) {
  const auto meaning = meanings.find(key);
  if (meaning != meanings.end() && !meaning->second.empty()) {
    schema["description"] = meaning->second;
  }
  return schema;
}

json of_table(const Field& field, const std::map<std::string, std::string>& meanings) {
  json row{{"type", json::array({"object", "null"})}, {"properties", json::object()}};
  for (const auto& leaf : field.table->leaves) {
    auto schema = json::parse(leaf.schema);
    if (leaf.list) schema = list_of(std::move(schema));
    row["properties"][leaf.name] =
        with_description(std::move(schema), meanings, field.path + ".*." + leaf.name);
  }
  row["additionalProperties"] = false;
  return {{"type", "object"}, {"additionalProperties", std::move(row)}};
}

// An empty value takes an inherited entry away.
json of_map() {
  return {
      {"type", "object"},
      {"additionalProperties", {{"type", json::array({"string", "number", "boolean", "null"})}}}};
}

json section() {
  return {{"type", "object"}, {"properties", json::object()}, {"additionalProperties", false}};
}

void put(json& root, const Field& field, const std::map<std::string, std::string>& meanings) {
  json* at = &root;
  std::string_view rest = field.path;
  for (auto dot = rest.find('.'); dot != rest.npos; dot = rest.find('.')) {
    const std::string name(rest.substr(0, dot));
    auto& properties = (*at)["properties"];
    if (!properties.contains(name)) properties[name] = section();
    at = &properties[name];
    rest.remove_prefix(dot + 1);
  }
  auto& properties = (*at)["properties"];
  const std::string name(rest);
  switch (field.kind) {
    case Field::Kind::scalar:
      properties[name] = with_description(json::parse(field.schema), meanings, field.path);
      return;
    case Field::Kind::list: {
      const auto list = list_of({{"type", "string"}});
      properties[name] = with_description(list, meanings, field.path);
      properties[name + "+"] = list;
      properties[name + "+"]["description"] = "adds to what is inherited";
      properties[name + "-"] = list;
      properties[name + "-"]["description"] = "takes away from what is inherited";
      return;
    }
    case Field::Kind::map:
      properties[name] = with_description(of_map(), meanings, field.path);
      return;
    case Field::Kind::table:
      properties[name] = with_description(of_table(field, meanings), meanings, field.path);
      return;
  }
}

}  // namespace

std::map<std::string, std::string> described_keys() {
  std::map<std::string, std::string> meanings;
  std::string prefix;
  auto text = policy_keys();
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.starts_with("#")) prefix.clear();
    for (const auto& [heading, of] : records) {
      if (line == heading) prefix = of;
    }
    if (!line.starts_with("| `")) continue;
    const auto row = cells(line);
    for (const auto& key : keys_in(row.front())) meanings.emplace(prefix + key, row.back());
  }
  return meanings;
}

json policy_schema() {
  const auto meanings = described_keys();
  json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
              {"title", "Caisson policy"},
              {"type", "object"},
              {"required", {"version"}},
              {"properties", json::object()},
              {"additionalProperties", false}};
  schema["properties"]["version"] = {{"const", 1}};
  schema["properties"]["extends"] = {
      {"description", "bundled names or paths; from left to right over each other, then this file"},
      {"type", json::array({"array", "string"})},
      {"items", {{"type", "string"}}}};
  for (const auto& field : policy_fields()) put(schema, field, meanings);
  return schema;
}

}  // namespace caisson
