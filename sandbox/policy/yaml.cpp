#include "sandbox/policy/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "sandbox/base/utf8.h"

namespace caisson {
namespace {

// Thrown through yaml-cpp to stop it.
struct Stop {};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, std::vector<Finding>& findings)
      : file_(file), findings_(findings) {}

  YamlNode root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    value(node(YamlNode::Kind::nothing, mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    check_tag(mark, tag);
    auto scalar = node(YamlNode::Kind::text, mark);
    scalar.text = text;
    value(std::move(scalar), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) stop(mark, "bad_yaml", "an alias inside of what it stands for");
    count(mark, target->second.nodes);
    value(target->second.tree, 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(node(YamlNode::Kind::list, mark), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(node(YamlNode::Kind::map, mark), anchor);
  }
  void OnMapEnd() override { close(); }

  [[noreturn]] void stop(const YAML::Mark& mark, std::string id, std::string text) {
    report(mark.line + 1, mark.column + 1, std::move(id), std::move(text));
    throw Stop{};
  }
  void report(int line, int column, std::string id, std::string text) {
    findings_.push_back(
        {Severity::error, std::move(id), "", std::move(text), {file_, line, column}});
  }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::size_t nodes_before = 0;
    std::vector<YamlNode> key;  // the key of a map that waits for its value, or nothing
  };
  struct Anchored {
    YamlNode tree;
    std::size_t nodes = 1;
  };

  YamlNode node(YamlNode::Kind kind, const YAML::Mark& mark) {
    count(mark, 1);
    YamlNode result;
    result.kind = kind;
    result.line = mark.line + 1;
    result.column = mark.column + 1;
    return result;
  }
  void count(const YAML::Mark& mark, std::size_t more) {
    nodes_ += more;
    if (nodes_ > max_yaml_nodes) {
      stop(mark, "too_large", fmt::format("more than {} values, aliases included", max_yaml_nodes));
    }
  }
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      stop(mark, "bad_yaml", fmt::format("tags such as '{}' are not used here (delete it)", tag));
    }
  }
  void open(YamlNode opened, YAML::anchor_t anchor) {
    if (open_.size() >= max_yaml_depth) {
      report(opened.line, opened.column, "too_deep",
             fmt::format("nested deeper than {} levels", max_yaml_depth));
      throw Stop{};
    }
    open_.push_back({std::move(opened), anchor, nodes_, {}});
  }
  void close() {
    auto closed = std::move(open_.back());
    open_.pop_back();
    if (closed.anchor != 0) {
      anchors_[closed.anchor] = {closed.node, nodes_ - closed.nodes_before + 1};
    }
    place(std::move(closed.node));
  }
  void value(YamlNode leaf, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = {leaf, 1};
    place(std::move(leaf));
  }
  void place(YamlNode child) {
    if (open_.empty()) {
      root = std::move(child);
      return;
    }
    auto& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::list) {
      parent.node.items.push_back(std::move(child));
    } else if (parent.key.empty()) {
      parent.key.push_back(std::move(child));
    } else {
      add_entry(parent.node, std::move(parent.key.front()), std::move(child));
      parent.key.clear();
    }
  }
  void add_entry(YamlNode& map, YamlNode key, YamlNode child) {
    if (key.kind != YamlNode::Kind::text) {
      report(key.line, key.column, "wrong_type", "a key must be a word");
      return;
    }
    const auto same = std::find_if(map.entries.begin(), map.entries.end(),
                                   [&](const auto& entry) { return entry.key.text == key.text; });
    if (same != map.entries.end()) {
      report(
          key.line, key.column, "duplicate_key",
          fmt::format("'{}' is here twice, first on line {} (keep one)", key.text, same->key.line));
      return;
    }
    if (child.kind == YamlNode::Kind::nothing) {  // whose mark is that of whatever comes next
      child.line = key.line;
      child.column = key.column;
    }
    map.entries.push_back({std::move(key), std::move(child)});
  }

  const std::string& file_;
  std::vector<Finding>& findings_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
};

// Line and column of a byte, from 1.
Origin place_of(std::string_view text, std::size_t offset, const std::string& file) {
  Origin where{file, 1, 1};
  for (std::size_t i = 0; i < offset; ++i) {
    ++where.column;
    if (text[i] == '\n') {
      ++where.line;
      where.column = 1;
    }
  }
  return where;
}

}  // namespace

YamlNode read_yaml(std::string_view text, const std::string& file, std::vector<Finding>& findings) {
  const auto refuse = [&](std::string id, std::string what, std::size_t offset) {
    findings.push_back({Severity::error, std::move(id), "", std::move(what),
                        offset == text.npos ? Origin{file} : place_of(text, offset, file)});
    return YamlNode{};
  };
  if (text.size() > max_yaml_bytes) {
    return refuse("too_large",
                  fmt::format("larger than {} KiB: this is no policy", max_yaml_bytes >> 10),
                  text.npos);
  }
  if (const auto bad = invalid_utf8(text); bad != text.size()) {
    return refuse("bad_yaml", "not UTF-8 (save the file as UTF-8)", bad);
  }
  if (const auto nul = text.find('\0'); nul != text.npos) {
    return refuse("bad_yaml", "a NUL byte (delete it)", nul);
  }
  std::istringstream stream{std::string(text)};
  TreeBuilder builder(file, findings);
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    auto root = std::move(builder.root);
    TreeBuilder rest(file, findings);
    if (parser.HandleNextDocument(rest)) {
      findings.push_back({Severity::error,
                          "bad_yaml",
                          "",
                          "a second document begins here (one policy a file)",
                          {file, rest.root.line, rest.root.column}});
    }
    return root;
  } catch (const Stop&) {
    return YamlNode{};
  } catch (const YAML::Exception& error) {
    builder.report(error.mark.line + 1, error.mark.column + 1, "bad_yaml",
                   "not valid YAML: " + error.msg);
    return YamlNode{};
  }
}

}  // namespace caisson
