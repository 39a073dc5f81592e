#include "sandbox/policy/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "sandbox/policy/fields.h"
#include "sandbox/policy/plan.h"
#include "sandbox/policy/units.h"

namespace caisson {
namespace {

// A leaf on its way out.
struct Shown {
  std::vector<std::string> path;
  std::string yaml;
  nlohmann::json json;
  std::optional<Origin> origin;
};

std::optional<Origin> origin_of(const Policy& policy, const std::string& path) {
  const auto said = policy.origins.find(path);
  if (said == policy.origins.end()) return std::nullopt;
  return said->second;
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char letter : path) {
    if (letter == '.') {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  return parts;
}

nlohmann::json json_of(const std::string& yaml, bool bare) {
  if (bare || yaml.starts_with('"')) return nlohmann::json::parse(yaml);
  return yaml;
}

// An element of a list is shown on a line of its own, with the line that it comes from.
std::vector<Shown> shown_list(const Policy& policy, const Field& field, Policy& values) {
  const auto& list = field.list(values);
  if (list.empty()) {
    return {{split(field.path), "[]", nlohmann::json::array(), origin_of(policy, field.path)}};
  }
  std::vector<Shown> leaves;
  for (const auto& element : list) {
    auto path = split(field.path);
    path.push_back("-");
    leaves.push_back({std::move(path), yaml_text(element), element,
                      origin_of(policy, fmt::format("{}[{}]", field.path, element))});
  }
  return leaves;
}

std::vector<Shown> shown_map(const Policy& policy, const Field& field, Policy& values) {
  const auto& map = field.map(values);
  if (map.empty()) return {{split(field.path), "{}", nlohmann::json::object(), std::nullopt}};
  std::vector<Shown> leaves;
  for (const auto& [key, value] : map) {
    auto path = split(field.path);
    path.push_back(key);
    leaves.push_back(
        {std::move(path), yaml_text(value), value, origin_of(policy, field.path + "." + key)});
  }
  return leaves;
}

// The leaves of one row of a table, each element of a list on a line of its own.
std::vector<Shown> shown_row(const Policy& policy, const Field& field, const std::string& key) {
  auto row = split(field.path);
  row.push_back(key);
  const auto base = field.path + "." + key;
  std::vector<Shown> leaves;
  for (const auto& leaf : field.table->leaves) {
    for (const auto& value : leaf.write(policy, key)) {
      auto path = row;
      path.push_back(leaf.name);
      if (leaf.list) path.push_back("-");
      leaves.push_back({std::move(path), value, json_of(value, leaf.bare),
                        origin_of(policy, base + "." + leaf.name)});
    }
  }
  // A row that says nothing but its key is a row all the same.
  if (leaves.empty()) {
    leaves.push_back({row, "{}", nlohmann::json::object(), origin_of(policy, base)});
  }
  return leaves;
}

std::vector<Shown> shown_table(const Policy& policy, const Field& field) {
  const auto keys = field.table->keys(policy);
  if (keys.empty()) return {{split(field.path), "{}", nlohmann::json::object(), std::nullopt}};
  std::vector<Shown> leaves;
  for (const auto& key : keys) {
    auto row = shown_row(policy, field, key);
    std::move(row.begin(), row.end(), std::back_inserter(leaves));
  }
  return leaves;
}

std::vector<Shown> shown_leaves(const Policy& policy) {
  std::vector<Shown> leaves;
  auto values = policy;  // the accessors of lists and maps want one that can be written to
  for (const auto& field : policy_fields()) {
    std::vector<Shown> more;
    switch (field.kind) {
      case Field::Kind::scalar:
        if (const auto value = field.write(policy)) {
          more.push_back({split(field.path), *value, json_of(*value, field.bare),
                          origin_of(policy, field.path)});
        }
        break;
      case Field::Kind::list:
        more = shown_list(policy, field, values);
        break;
      case Field::Kind::map:
        more = shown_map(policy, field, values);
        break;
      case Field::Kind::table:
        more = shown_table(policy, field);
        break;
    }
    std::move(more.begin(), more.end(), std::back_inserter(leaves));
  }
  return leaves;
}

std::string text_of(const std::optional<Origin>& origin) {
  if (!origin) return "default";
  return origin->line == 0 ? origin->file : fmt::format("{}:{}", origin->file, origin->line);
}

struct Derived {
  std::size_t allowed = 0;
  std::size_t conditional = 0;
  std::size_t quiet = 0;
  std::size_t missing = 0;
};

Derived count(const Policy& policy) {
  Derived derived;
  for (const auto& call : plan_syscalls(policy)) {
    switch (call.action) {
      case CallPlan::Action::allow:
        ++derived.allowed;
        break;
      case CallPlan::Action::conditional:
        ++derived.conditional;
        break;
      case CallPlan::Action::quiet:
        ++derived.quiet;
        break;
      case CallPlan::Action::missing:
        ++derived.missing;
        break;
      case CallPlan::Action::mediated:
      case CallPlan::Action::denied:
        break;
    }
  }
  return derived;
}

}  // namespace

std::string show(const Policy& policy, const CompiledPolicy& compiled) {
  std::string yaml = "version: 1\nextends: []\n";
  std::vector<std::string> open;  // the path of the line before
  for (const auto& leaf : shown_leaves(policy)) {
    const auto depth = leaf.path.size() - 1;
    const auto same = static_cast<std::size_t>(
        std::mismatch(leaf.path.begin(), leaf.path.end(), open.begin(), open.end()).first -
        leaf.path.begin());
    for (auto level = std::min(same, depth); level < depth; ++level) {
      yaml += fmt::format("{}{}:\n", std::string(2 * level, ' '), yaml_text(leaf.path[level]));
    }
    const auto& key = leaf.path.back();
    const auto line = fmt::format("{}{} {}", std::string(2 * depth, ' '),
                                  key == "-" ? key : yaml_text(key) + ":", leaf.yaml);
    yaml += fmt::format("{:<44}  # {}\n", line, text_of(leaf.origin));
    open = leaf.path;
  }

  const auto derived = count(policy);
  yaml += fmt::format(
      "\n# Derived:\n"
      "#   container memory   {} ({} checkpoints + 1, each {}; tmpfs and own needs)\n"
      "#   system calls       {} allowed, {} for some arguments, {} decided or explained by init, "
      "{} quiet, {} missing\n"
      "#   inner filter       {} instructions\n"
      "#   Landlock           {}\n",
      format_size(compiled.container_memory_bytes), policy.session.checkpoints,
      format_size(policy.resources.memory_max_bytes), derived.allowed, derived.conditional,
      compiled.notified.size(), derived.quiet, derived.missing, compiled.inner_filter.size() / 8,
      compiled.landlock.enabled ? fmt::format("{} rules", compiled.landlock.rules.size()) : "off");
  return yaml;
}

nlohmann::json show_json(const Policy& policy, const CompiledPolicy& compiled) {
  nlohmann::json tree = nlohmann::json::object();
  for (const auto& leaf : shown_leaves(policy)) {
    nlohmann::json value{{"value", leaf.json}, {"origin", nullptr}};
    if (leaf.origin) value["origin"] = text_of(leaf.origin);
    auto* node = &tree;
    for (std::size_t level = 0; level + 1 < leaf.path.size(); ++level) {
      node = &(*node)[leaf.path[level]];
    }
    if (leaf.path.back() == "-") {
      node->push_back(value);
    } else {
      (*node)[leaf.path.back()] = value;
    }
  }
  const auto derived = count(policy);
  return {{"policy", tree},
          {"derived",
           {{"container_memory_bytes", compiled.container_memory_bytes},
            {"syscalls_allowed", derived.allowed},
            {"syscalls_conditional", derived.conditional},
            {"syscalls_notified", compiled.notified.size()},
            {"syscalls_quiet", derived.quiet},
            {"syscalls_missing", derived.missing},
            {"filter_instructions", compiled.inner_filter.size() / 8},
            {"landlock_rules", compiled.landlock.rules.size()}}}};
}

}  // namespace caisson
