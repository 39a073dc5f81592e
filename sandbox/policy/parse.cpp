#include "sandbox/policy/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "sandbox/policy/bundled.h"
#include "sandbox/policy/reader.h"
#include "sandbox/policy/units.h"
#include "sandbox/policy/yaml.h"

namespace caisson {
namespace {

namespace fs = std::filesystem;

// Files that one policy may be made of, repetitions included: a chain of files that each extend the
// next one twice doubles with every link.
constexpr int max_files = 64;

bool is_path(const std::string& reference) {
  return reference.find('/') != reference.npos || reference.ends_with(".yaml") ||
         reference.ends_with(".yml");
}

const BundledPolicy* find_bundled(std::string_view name) {
  for (const auto& policy : bundled_policies()) {
    if (policy.name == name) return &policy;
  }
  return nullptr;
}

std::vector<std::string> bundled_names() {
  std::vector<std::string> names;
  for (const auto& policy : bundled_policies()) names.emplace_back(policy.name);
  std::sort(names.begin(), names.end());
  return names;
}

class Loader {
 public:
  Policy policy;
  std::vector<Finding> findings;
  bool root_missing = false;

  // `said`: the place that refers to it, or nothing for what the user asked for.
  void load(const std::string& reference, const fs::path& directory, const Origin& said);
  void read(std::string_view yaml, const std::string& file, const std::string& name,
            const fs::path& directory);

  // False when `identity` is being read already, or too many have been.
  bool enter(const std::string& identity, const std::string& shown, const Origin& said);
  void leave() { chain_.pop_back(); }

 private:
  void load_file(const std::string& reference, const fs::path& directory, const Origin& said);
  void load_bundled(const std::string& name, const fs::path& directory, const Origin& said);
  void read_parents(const YamlNode& root, const std::string& file, const fs::path& directory);
  void check_version(const YamlNode& root, const std::string& file);
  void wrong(const Origin& where, std::string id, std::string path, std::string text) {
    findings.push_back({Severity::error, std::move(id), std::move(path), std::move(text), where});
  }

  struct Link {
    std::string identity;
    std::string shown;
  };
  std::vector<Link> chain_;
  int files_ = 0;
};

bool Loader::enter(const std::string& identity, const std::string& shown, const Origin& said) {
  const auto before = std::find_if(chain_.begin(), chain_.end(),
                                   [&](const auto& link) { return link.identity == identity; });
  if (before != chain_.end()) {
    std::string circle;
    for (auto link = before; link != chain_.end(); ++link) circle += link->shown + " -> ";
    wrong(said, "extends_cycle", "extends",
          fmt::format("goes round in a circle: {}{} (take one out)", circle, shown));
    return false;
  }
  if (++files_ > max_files) {
    if (files_ == max_files + 1) {
      wrong(said, "too_many_files", "extends",
            fmt::format("more than {} files, repetitions included", max_files));
    }
    return false;
  }
  chain_.push_back({identity, shown});
  return true;
}

void Loader::load(const std::string& reference, const fs::path& directory, const Origin& said) {
  if (is_path(reference)) {
    load_file(reference, directory, said);
  } else {
    load_bundled(reference, directory, said);
  }
}

void Loader::load_bundled(const std::string& name, const fs::path& directory, const Origin& said) {
  const auto* bundled = find_bundled(name);
  if (bundled == nullptr) {
    root_missing = root_missing || chain_.empty();
    const auto names = bundled_names();
    const auto guess = nearest(name, names);
    std::string advice =
        fmt::format("bundled: {}; a file needs a '/' or ends in .yaml", fmt::join(names, ", "));
    if (!guess.empty()) advice = fmt::format("did you mean '{}'? {}", guess, advice);
    wrong(said, "no_such_policy", said.file.empty() ? "" : "extends",
          fmt::format("there is no policy '{}' ({})", name, advice));
    return;
  }
  const auto file = "builtin:" + name;
  if (!enter(file, file, said)) return;
  read(bundled->yaml, file, name, directory);
  leave();
}

void Loader::load_file(const std::string& reference, const fs::path& directory,
                       const Origin& said) {
  const fs::path named(reference);
  const auto path = named.is_absolute() ? named : directory / named;
  const auto shown = chain_.empty() ? reference : path.lexically_normal().string();
  const auto fail = [&](const std::string& reason) {
    root_missing = root_missing || chain_.empty();
    wrong(said, "no_such_policy", said.file.empty() ? "" : "extends",
          fmt::format("cannot read the policy '{}': {}", shown, reason));
  };

  std::error_code error;
  const auto identity = fs::canonical(path, error);
  if (error) return fail(error.message());
  if (!fs::is_regular_file(identity, error)) return fail("not a regular file");
  std::ifstream stream(identity, std::ios::binary);
  // One byte more than the limit shows that there is more.
  std::string yaml(max_yaml_bytes + 1, '\0');
  stream.read(yaml.data(), static_cast<std::streamsize>(yaml.size()));
  if (!stream.is_open() || stream.bad()) return fail(std::strerror(errno));
  yaml.resize(static_cast<std::size_t>(stream.gcount()));

  if (!enter(identity.string(), shown, said)) return;
  read(yaml, shown, path.stem().string(), path.parent_path());
  leave();
}

void Loader::read(std::string_view yaml, const std::string& file, const std::string& name,
                  const fs::path& directory) {
  const auto before = findings.size();
  const auto root = read_yaml(yaml, file, findings);
  if (root.kind == YamlNode::Kind::nothing && findings.size() > before) return;
  check_version(root, file);
  read_parents(root, file, directory);
  policy.name = name;
  policy.description.clear();
  policy.origins.erase("name");
  policy.origins.erase("description");
  PolicyReader(file, policy, findings).read(root);
}

void Loader::check_version(const YamlNode& root, const std::string& file) {
  if (root.kind != YamlNode::Kind::map && root.kind != YamlNode::Kind::nothing) return;
  for (const auto& entry : root.entries) {
    if (entry.key.text != "version") continue;
    if (entry.value.kind != YamlNode::Kind::text || entry.value.text != "1") {
      wrong({file, entry.value.line, entry.value.column}, "bad_version", "version",
            fmt::format("'{}' is not a version that this program reads (write 'version: 1')",
                        entry.value.text));
    }
    return;
  }
  wrong({file, 1, 1}, "no_version", "version", "missing (write 'version: 1' as the first line)");
}

void Loader::read_parents(const YamlNode& root, const std::string& file,
                          const fs::path& directory) {
  const auto found = std::find_if(root.entries.begin(), root.entries.end(),
                                  [](const auto& entry) { return entry.key.text == "extends"; });
  if (found == root.entries.end()) {
    // What a policy does not say is as strict as it can be.
    if (file != "builtin:strict") load("strict", directory, {file, 1, 1});
    return;
  }
  auto parents = std::vector<YamlNode>{found->value};
  if (found->value.kind == YamlNode::Kind::list) parents = found->value.items;
  for (const auto& parent : parents) {
    const Origin said{file, parent.line, parent.column};
    if (parent.kind != YamlNode::Kind::text) {
      wrong(said, "wrong_type", "extends", "names and paths of policies are expected here");
      continue;
    }
    load(parent.text, directory, said);
  }
}

Result<Policy> finish(Loader loader) {
  if (has_errors(loader.findings)) {
    // A file that two others extend has been read twice.
    std::vector<Finding> once;
    for (const auto& finding : loader.findings) {
      if (std::find(once.begin(), once.end(), finding) == once.end()) once.push_back(finding);
    }
    return Error(loader.root_missing ? Errc::not_found : Errc::bad_policy, to_text(once));
  }
  return std::move(loader.policy);
}

}  // namespace

Result<Policy> load_policy(const std::string& reference, const PolicyFiles& where) {
  Loader loader;
  loader.load(reference, where.directory, {});
  return finish(std::move(loader));
}

Result<Policy> parse_policy(std::string_view yaml, const std::string& file,
                            const PolicyFiles& where) {
  Loader loader;
  loader.enter(file, file, {});
  loader.read(yaml, file, fs::path(file).stem().string(), where.directory);
  return finish(std::move(loader));
}

}  // namespace caisson
