#include "sandbox/policy/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sandbox/policy/units.h"

namespace caisson {
namespace {

using Kind = YamlNode::Kind;

// Keys that people know from elsewhere, and what we have for them.
struct Elsewhere {
  std::string_view key;
  std::string_view answer;
};
constexpr Elsewhere known_elsewhere[] = {
    {"apiVersion", "write 'version: 1'"},
    {"kind", "delete it"},
    {"capabilities", "all of them are always dropped; delete it"},
    {"namespaces", "they are always private; delete it"},
    {"privileged", "no policy can grant that; delete it"},
    {"network.proxy", "use network.mode: proxy and network.egress"},
    {"network.egress.deny", "what no rule allows is denied; delete it"},
    {"network.egress.default", "what no rule allows is denied; delete it"},
    {"network.egress.limits", "the limits stand in network.egress itself"},
    {"filesystem.access", "use filesystem.read, filesystem.write and filesystem.execute"},
    {"filesystem.tmpfs", "use filesystem.mounts"},
    {"resources.memory_max", "use resources.memory.max"},
    {"resources.cpu", "use resources.cpus"},
    {"resources.timeout", "use time.block"},
    {"timeout", "use time.block"},
    {"syscalls.args", "arguments are checked by built-in rules; delete it"},
    {"syscalls.default", "use syscalls.on_deny"},
    {"syscalls.enosys", "use syscalls.missing"},
    {"tools", "tools belong to the agent, not to the policy"},
    {"python.imports", "use python.deny"},
    {"runtime.image", "the image is chosen beside the policy"},
};

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::nothing:
      return "nothing";
    case Kind::text:
      return "a single value";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
  }
  return "";
}

// The next part of each path that begins with `prefix`.
std::vector<std::string> keys_below(const std::string& prefix) {
  std::set<std::string> keys;
  for (const auto& field : policy_fields()) {
    if (!field.path.starts_with(prefix)) continue;
    const auto rest = field.path.substr(prefix.size());
    keys.insert(rest.substr(0, rest.find('.')));
  }
  if (prefix.empty()) keys.insert({"version", "extends"});
  return {keys.begin(), keys.end()};
}

bool is_section(const std::string& path) {
  const auto& fields = policy_fields();
  return std::any_of(fields.begin(), fields.end(),
                     [&](const auto& field) { return field.path.starts_with(path + "."); });
}

}  // namespace

void PolicyReader::wrong(const YamlNode& node, std::string id, const std::string& path,
                         std::string text) {
  findings_.push_back({Severity::error, std::move(id), path, std::move(text), at(node)});
}

void PolicyReader::forget(const std::string& prefix) {
  std::erase_if(policy_.origins,
                [&prefix](const auto& origin) { return origin.first.starts_with(prefix); });
}

void PolicyReader::read_section(const YamlNode& section, const std::string& prefix) {
  if (section.kind == Kind::nothing) return;
  if (section.kind != Kind::map) {
    const auto path = prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1);
    wrong(section, "wrong_type", path,
          fmt::format("keys are expected here, not {} (one of {})", name_of(section.kind),
                      fmt::join(keys_below(prefix), ", ")));
    return;
  }
  for (const auto& entry : section.entries) {
    if (prefix.empty() && (entry.key.text == "version" || entry.key.text == "extends")) continue;
    if (entry.key.text.empty()) {
      wrong(entry.key, "unknown_key", "", "an empty key (delete it)");
      continue;
    }
    read_entry(entry, prefix + entry.key.text);
  }
}

void PolicyReader::read_entry(const YamlEntry& entry, const std::string& path) {
  if (const auto* field = find_field(path)) {
    switch (field->kind) {
      case Field::Kind::scalar:
        return read_scalar(*field, entry.value);
      case Field::Kind::list:
        return read_list(*field, entry, '=');
      case Field::Kind::map:
        return read_map(*field, entry.value);
      case Field::Kind::table:
        return read_table(*field, entry.value);
    }
  }
  const char operation = path.back();
  if (operation == '+' || operation == '-') {
    const auto base = path.substr(0, path.size() - 1);
    if (const auto* field = find_field(base)) {
      if (field->kind == Field::Kind::list) return read_list(*field, entry, operation);
      wrong(entry.key, "wrong_type", path,
            fmt::format("only lists know '{}' (write '{}')", operation, base));
      return;
    }
  }
  if (is_section(path)) return read_section(entry.value, path + ".");
  unknown_key(entry.key, path);
}

void PolicyReader::unknown_key(const YamlNode& key, const std::string& path) {
  for (const auto& known : known_elsewhere) {
    if (known.key == path) {
      return wrong(key, "unknown_key", path, fmt::format("unknown key ({})", known.answer));
    }
  }
  const auto dot = path.rfind('.');
  const auto prefix = dot == path.npos ? "" : path.substr(0, dot + 1);
  const auto candidates = keys_below(prefix);
  const auto guess = nearest(key.text, candidates);
  wrong(key, "unknown_key", path,
        guess.empty() ? fmt::format("unknown key (one of {})", fmt::join(candidates, ", "))
                      : fmt::format("unknown key (did you mean '{}'?)", guess));
}

void PolicyReader::read_scalar(const Field& field, const YamlNode& value) {
  if (value.kind != Kind::text) {
    wrong(value, "wrong_type", field.path,
          value.kind == Kind::nothing
              ? "no value (give one, or delete the line)"
              : fmt::format("a single value is expected here, not {}", name_of(value.kind)));
    return;
  }
  const auto problem = field.read(value.text, policy_);
  if (!problem.empty()) return wrong(value, "bad_value", field.path, problem);
  policy_.origins[field.path] = at(value);
}

void PolicyReader::read_list(const Field& field, const YamlEntry& entry, char operation) {
  const auto& value = entry.value;
  const auto path = operation == '=' ? field.path : field.path + operation;
  if (value.kind != Kind::list) {
    return wrong(
        value, "wrong_type", path,
        fmt::format("a list is expected here, not {} (try [{}])", name_of(value.kind), value.text));
  }
  auto& list = field.list(policy_);
  if (operation == '=') {
    list.clear();
    forget(field.path + "[");
  }
  for (const auto& item : value.items) {
    if (item.kind != Kind::text || item.text.empty()) {
      wrong(item, "wrong_type", path, "an element must be a single value");
      continue;
    }
    const auto leaf = fmt::format("{}[{}]", field.path, item.text);
    const auto present = std::find(list.begin(), list.end(), item.text);
    if (operation == '-') {
      if (present == list.end()) {
        const auto guess = nearest(item.text, list);
        wrong(item, "not_in_list", path,
              fmt::format("'{}' is not in the list ({})", item.text,
                          guess.empty() ? "delete it here" : "did you mean '" + guess + "'?"));
        continue;
      }
      list.erase(present);
      policy_.origins.erase(leaf);
    } else if (present == list.end()) {
      list.push_back(item.text);
      policy_.origins[leaf] = at(item);
    }
  }
  policy_.origins[field.path] = at(entry.key);
}

void PolicyReader::read_map(const Field& field, const YamlNode& value) {
  if (value.kind != Kind::map) {
    return wrong(value, "wrong_type", field.path,
                 fmt::format("a map is expected here, not {} (try {{}})", name_of(value.kind)));
  }
  auto& map = field.map(policy_);
  for (const auto& entry : value.entries) {
    const auto path = field.path + "." + entry.key.text;
    if (entry.value.kind == Kind::nothing) {
      map.erase(entry.key.text);
      policy_.origins.erase(path);
    } else if (entry.value.kind != Kind::text) {
      wrong(entry.value, "wrong_type", path,
            fmt::format("a single value is expected here, not {}", name_of(entry.value.kind)));
    } else {
      map[entry.key.text] = entry.value.text;
      policy_.origins[path] = at(entry.key);
    }
  }
}

void PolicyReader::read_table(const Field& field, const YamlNode& value) {
  const auto& table = *field.table;
  if (value.kind != Kind::map) {
    return wrong(value, "wrong_type", field.path,
                 fmt::format("a map from {} is expected here, not {} (try {})", table.of,
                             name_of(value.kind), table.example));
  }
  policy_.origins[field.path] = at(value);
  for (const auto& entry : value.entries) {
    const auto path = field.path + "." + entry.key.text;
    if (entry.value.kind == Kind::map) {
      read_row(table, entry, path);
    } else if (entry.value.kind == Kind::nothing) {
      table.remove(policy_, entry.key.text);
      policy_.origins.erase(path);
      forget(path + ".");
    } else {
      wrong(entry.value, "wrong_type", path,
            fmt::format("a map is expected here, not {}", name_of(entry.value.kind)));
    }
  }
}

void PolicyReader::read_row(const Table& table, const YamlEntry& entry, const std::string& path) {
  table.add(policy_, entry.key.text);
  policy_.origins[path] = at(entry.key);

  const auto find = [&table](const std::string& name) {
    return std::find_if(table.leaves.begin(), table.leaves.end(),
                        [&](const auto& leaf) { return leaf.name == name; });
  };
  auto entries = entry.value.entries;
  const auto first = std::find_if(entries.begin(), entries.end(), [&](const auto& each) {
    const auto leaf = find(each.key.text);
    return leaf != table.leaves.end() && leaf->first;
  });
  if (first != entries.end()) std::rotate(entries.begin(), first, first + 1);
  for (const auto& each : entries) {
    const auto leaf = find(each.key.text);
    if (leaf != table.leaves.end()) {
      read_leaf(*leaf, each.value, entry.key.text, path);
      continue;
    }
    std::vector<std::string> names;
    for (const auto& known : table.leaves) names.push_back(known.name);
    const auto guess = nearest(each.key.text, names);
    wrong(each.key, "unknown_key", path + "." + each.key.text,
          guess.empty() ? fmt::format("unknown key (one of {})", fmt::join(names, ", "))
                        : fmt::format("unknown key (did you mean '{}'?)", guess));
  }
}

void PolicyReader::read_leaf(const Table::Leaf& leaf, const YamlNode& value, const std::string& key,
                             const std::string& row_path) {
  const auto path = row_path + "." + leaf.name;
  if (value.kind != (leaf.list ? Kind::list : Kind::text)) {
    return wrong(value, "wrong_type", path,
                 leaf.list
                     ? fmt::format("a list is expected here, not {} (try [{}])",
                                   name_of(value.kind), value.text)
                     : fmt::format("a single value is expected here, not {}", name_of(value.kind)));
  }
  const auto row_before = leaf.first ? leaf.write(policy_, key) : std::vector<std::string>();
  if (leaf.list) leaf.clear(policy_, key);
  for (const auto& item : leaf.list ? value.items : std::vector<YamlNode>{value}) {
    if (item.kind != Kind::text) {
      return wrong(item, "wrong_type", path, "an element must be a single value");
    }
    const auto problem = leaf.read(item.text, policy_, key);
    if (!problem.empty()) return wrong(item, "bad_value", path, problem);
  }
  if (leaf.first && leaf.write(policy_, key) != row_before) forget(row_path + ".");
  policy_.origins[path] = at(value);
}

}  // namespace caisson
