#include "sandbox/policy/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>

#include "sandbox/policy/egress_verdict.h"
#include "sandbox/policy/explain.h"
#include "sandbox/policy/fields.h"
#include "sandbox/policy/groups.h"
#include "sandbox/policy/plan.h"
#include "sandbox/policy/question.h"
#include "sandbox/policy/units.h"

namespace caisson {
namespace {

using Kind = Difference::Kind;

struct Leaf {
  Direction direction = Direction::neutral;
  std::vector<std::string_view> words;  // of a choice, the tightest first
  bool fewer_is_looser = false;         // elements: what a list denies
};

const std::map<std::string_view, Leaf>& leaves() {
  using enum Direction;
  static const std::map<std::string_view, Leaf> table{
      {"name", {neutral, {}}},
      {"description", {neutral, {}}},
      {"acknowledge", {neutral, {}}},
      {"runtime.handler", {pinned, {}}},
      {"runtime.image", {pinned, {}}},
      {"runtime.landlock", {looser, {"required", "best_effort", "off"}}},
      {"runtime.notify", {looser, {"required", "best_effort", "off"}}},
      {"runtime.resource_limits", {looser, {"required", "best_effort", "off"}}},
      {"process.user", {neutral, {}}},
      {"process.group", {neutral, {}}},
      {"process.umask", {mask, {}}},
      {"process.working_dir", {neutral, {}}},
      {"process.hostname", {neutral, {}}},
      {"process.exec", {looser, {"deny", "allow"}}},
      {"process.write_and_execute", {looser, {"false", "true"}}},
      {"process.oom_score_adj", {tighter, {}}},
      {"filesystem.mounts", {elements, {}}},
      {"filesystem.read", {by_kernel, {}}},
      {"filesystem.write", {by_kernel, {}}},
      {"filesystem.execute", {by_kernel, {}}},
      {"network.mode", {looser, {"none", "loopback", "proxy"}}},
      {"network.egress.allow", {elements, {}}},
      {"network.egress.credentials", {elements, {}}},
      {"network.egress.exempt", {elements, {}}},
      {"network.egress.max_connections", {looser, {}}},
      {"network.egress.requests_per_minute", {looser, {}}},
      {"network.egress.upload_max_bytes", {looser, {}}},
      {"network.egress.download_max_bytes", {looser, {}}},
      {"syscalls.allow", {by_kernel, {}}},
      {"syscalls.deny", {by_kernel, {}}},
      {"syscalls.missing", {by_kernel, {}}},
      {"syscalls.quiet", {by_kernel, {}}},
      {"syscalls.on_deny", {neutral, {}}},
      {"resources.cpus", {looser, {}}},
      {"resources.memory.max", {looser, {}}},
      {"resources.pids.max", {looser, {}}},
      {"resources.rlimits.core", {looser, {}}},
      {"resources.rlimits.fsize", {looser, {}}},
      {"resources.rlimits.memlock", {looser, {}}},
      {"resources.rlimits.msgqueue", {looser, {}}},
      {"resources.rlimits.nofile", {looser, {}}},
      {"resources.rlimits.sigpending", {looser, {}}},
      {"resources.rlimits.stack", {looser, {}}},
      {"time.startup", {looser, {}}},
      {"time.block", {looser, {}}},
      {"time.cpu", {looser, {}}},
      {"time.idle", {looser, {}}},
      {"time.session", {looser, {}}},
      {"time.kill_grace", {looser, {}}},
      {"input.max_bytes", {looser, {}}},
      {"input.max_depth", {looser, {}}},
      {"output.stdout.max_bytes", {looser, {}}},
      {"output.stderr.max_bytes", {looser, {}}},
      {"output.total.max_bytes", {looser, {}}},
      {"output.on_exceed", {tighter, {"truncate", "kill"}}},
      {"output.value.max_bytes", {looser, {}}},
      {"output.display.max_bytes", {looser, {}}},
      {"python.preload", {neutral, {}}},
      {"python.aliases", {neutral, {}}},
      {"python.guidance", {looser, {"refuse", "record", "off"}}},
      {"python.deny", {elements, {}, true}},
      {"python.events", {elements, {}, true}},
      {"env", {neutral, {}}},
      {"session.checkpoints", {looser, {}}},
      {"session.strays", {looser, {"kill", "keep"}}},
      {"tools.allow", {elements, {}}},
      {"tools.deny", {elements, {}, true}},
      {"tools.max_calls", {looser, {}}},
  };
  return table;
}

constexpr std::string_view no_limit = "none";  // of a leaf that nobody set

// What a value weighs, to be compared with another of the same leaf.
double weight(const Leaf& leaf, const std::string& text) {
  for (std::size_t i = 0; i < leaf.words.size(); ++i) {
    if (leaf.words[i] == text) return static_cast<double>(i);
  }
  if (text == no_limit) return std::numeric_limits<double>::infinity();
  if (const auto time = parse_duration(text)) return static_cast<double>(time->count());
  if (const auto size = parse_size(text)) return static_cast<double>(*size);
  return std::strtod(text.c_str(), nullptr);
}

Kind kind_of(const Leaf& leaf, const std::string& before, const std::string& after) {
  if (leaf.direction == Direction::pinned) {
    return before == yaml_text("") ? Kind::changes : Kind::grants;
  }
  if (leaf.direction == Direction::mask) {
    // As it is written: "0077", in quotes.
    const auto bits = [](const std::string& text) {
      return std::strtoul(text.c_str() + 1, nullptr, 8);
    };
    return (bits(before) & ~bits(after)) != 0 ? Kind::grants : Kind::revokes;
  }
  if (leaf.direction != Direction::looser && leaf.direction != Direction::tighter) {
    return Kind::changes;
  }
  const bool more = weight(leaf, after) > weight(leaf, before);
  return more == (leaf.direction == Direction::looser) ? Kind::grants : Kind::revokes;
}

using Elements = std::map<std::string, std::string>;  // key -> what is said of it

Elements elements_of(const Field& field, const Policy& policy) {
  Elements elements;
  if (field.kind == Field::Kind::table) {
    for (const auto& key : field.table->keys(policy)) {
      std::string row;
      for (const auto& leaf : field.table->leaves) {
        const auto values = leaf.write(policy, key);
        if (values.empty()) continue;
        row += fmt::format("{}{}: {}", row.empty() ? "" : ", ", leaf.name, fmt::join(values, " "));
      }
      elements[key] = row;
    }
    return elements;
  }
  auto& writable = const_cast<Policy&>(policy);  // the accessors have no const form
  if (field.kind == Field::Kind::map) {
    for (const auto& [key, value] : field.map(writable)) elements[key] = value;
  } else {
    for (const auto& value : field.list(writable)) elements[value] = "";
  }
  return elements;
}

class Differ {
 public:
  Differ(const CheckedPair& from, const CheckedPair& to) : from_(from), to_(to) {}

  Result<std::vector<Difference>> run() {
    for (const auto& field : policy_fields()) {
      const auto found = leaves().find(field.path);
      if (found == leaves().end()) continue;
      if (found->second.direction == Direction::by_kernel) continue;
      if (field.kind == Field::Kind::scalar) {
        compare_scalar(field, found->second);
      } else {
        compare_elements(field, found->second);
      }
    }
    compare_paths();
    if (auto done = compare_calls(); !done) return done.error();
    return std::move(differences_);
  }

 private:
  void add(Kind kind, const std::string& leaf, std::string text) {
    differences_.push_back({kind, leaf, std::move(text), rule_text(to_.policy, leaf)});
  }

  void compare_scalar(const Field& field, const Leaf& leaf) {
    if (field.path == "name" || field.path == "description") return;
    const auto before = field.write(from_.policy).value_or(std::string(no_limit));
    const auto after = field.write(to_.policy).value_or(std::string(no_limit));
    if (before == after) return;
    add(kind_of(leaf, before, after), field.path,
        fmt::format("{}: {} -> {}", field.path, before, after));
  }

  void compare_elements(const Field& field, const Leaf& leaf) {
    const auto before = elements_of(field, from_.policy);
    const auto after = elements_of(field, to_.policy);
    const bool neutral = leaf.direction == Direction::neutral;
    const auto more = neutral ? Kind::changes : leaf.fewer_is_looser ? Kind::revokes : Kind::grants;
    const auto fewer = neutral                ? Kind::changes
                       : leaf.fewer_is_looser ? Kind::grants
                                              : Kind::revokes;
    for (const auto& [key, value] : after) {
      const auto known = before.find(key);
      const auto name = fmt::format("{}.{}", field.path, key);
      if (known == before.end()) {
        // A list that has everything can only become shorter.
        if (before.contains("*") && !leaf.fewer_is_looser) continue;
        add(more, field.path, value.empty() ? name : fmt::format("{}: {}", name, value));
      } else if (known->second != value && !leaf.fewer_is_looser) {
        add(field.path == "filesystem.mounts" ? kind_of_mount(key)
            : field.kind == Field::Kind::table
                ? Kind::grants  // its lists go either way: look at it
                : Kind::changes,
            field.path, fmt::format("{}: {} -> {}", name, known->second, value));
      }
    }
    for (const auto& [key, value] : before) {
      if (!after.contains(key)) add(fewer, field.path, fmt::format("{}.{}", field.path, key));
    }
  }

  Kind kind_of_mount(const std::string& target) const {
    const auto find = [&target](const Policy& policy) {
      const auto& mounts = policy.filesystem.mounts;
      return *std::find_if(mounts.begin(), mounts.end(),
                           [&](const Mount& mount) { return mount.target == target; });
    };
    const Mount before = find(from_.policy);
    const Mount after = find(to_.policy);
    const bool more = after.type != before.type || after.source != before.source ||
                      after.size_bytes > before.size_bytes || after.inodes > before.inodes ||
                      (before.read_only && !after.read_only) ||
                      (after.executable && !before.executable);
    return more ? Kind::grants : Kind::revokes;
  }

  // Paths that either of them names, and what is asked of each.
  void compare_paths() {
    std::set<std::string> paths;
    for (const auto* one : {&from_, &to_}) {
      for (const auto& rule : one->compiled.landlock.rules) paths.insert(rule.path);
    }
    using Access = Question::Access;
    const std::pair<Access, const char*> accesses[] = {{Access::read, "filesystem.read"},
                                                       {Access::write, "filesystem.write"},
                                                       {Access::execute, "filesystem.execute"}};
    for (const auto& [access, leaf] : accesses) {
      for (const auto& path : paths) {
        Question question;
        question.kind = Question::Kind::open;
        question.name = path;
        question.access = access;
        ask(question, leaf, fmt::format("{} beneath {}", leaf, path));
      }
    }
  }

  Result<void> compare_calls() {
    // Arguments that decide: each alone, and none.
    static const std::map<std::string_view, std::vector<const char*>> arguments{
        {"socket",
         {"AF_UNIX,SOCK_STREAM", "AF_INET,SOCK_STREAM", "AF_INET,SOCK_DGRAM", "AF_INET,SOCK_RAW",
          "AF_INET6,SOCK_STREAM", "AF_NETLINK,SOCK_RAW", "AF_PACKET,SOCK_RAW", "AF_ALG",
          "AF_VSOCK"}},
        {"socketpair", {"AF_UNIX,SOCK_STREAM", "AF_INET,SOCK_STREAM"}},
        {"clone", {"CLONE_VM|CLONE_THREAD", "CLONE_NEWUSER", "CLONE_NEWNS", "CLONE_NEWNET"}},
        {"mmap", {"0,4096,PROT_READ", "0,4096,PROT_WRITE|PROT_EXEC"}},
        {"mprotect", {"0,4096,PROT_READ", "0,4096,PROT_WRITE|PROT_EXEC"}},
        {"ioctl", {"0,TCGETS", "0,TIOCGWINSZ", "0,FIONREAD", "0,TIOCSTI"}},
        {"prctl", {"PR_SET_NAME", "PR_SET_DUMPABLE", "PR_SET_SECCOMP"}},
        {"mknod", {"0,S_IFIFO", "0,S_IFCHR", "0,S_IFBLK"}},
        {"mknodat", {"0,0,S_IFIFO", "0,0,S_IFCHR", "0,0,S_IFBLK"}}};
    // Of the others, those that either policy allows by their arguments.
    std::map<std::string, std::vector<std::array<std::uint64_t, 6>>> decisive;
    for (const auto* one : {&from_, &to_}) {
      for (const auto& call : plan_syscalls(one->policy)) {
        for (const auto& tests : call.allowed_when) {
          auto& args = decisive[call.name].emplace_back();
          for (const auto& test : tests) args.at(test.arg) = test.value;
        }
      }
    }
    for (const int number : known_syscall_numbers()) {
      const auto name = syscall_name(number);
      const auto special = arguments.find(name);
      std::vector<std::string> forms;
      if (special != arguments.end()) {
        for (const auto* form : special->second) forms.push_back(name + ":" + form);
      } else {
        forms.push_back(name);
      }
      for (const auto& args : decisive[name]) {
        Question question;
        question.name = name;
        question.number = number;
        question.args = args;
        ask(question, "syscalls", fmt::format("{}({})", name, fmt::join(args, ", ")));
      }
      for (const auto& form : forms) {
        const auto question = read_question(Question::Kind::syscall, form);
        if (!question) return question.error();
        ask(*question, "syscalls", question->text);
      }
    }
    return boost::system::in_place_value;
  }

  void ask(const Question& question, const std::string& leaf, const std::string& text) {
    const auto before = explain(from_.policy, from_.compiled, question);
    const auto after = explain(to_.policy, to_.compiled, question);
    if (!before || !after) return;
    const bool had = before->verdict == Explanation::Verdict::allow;
    const bool has = after->verdict == Explanation::Verdict::allow;
    if (had == has) return;
    differences_.push_back({has ? Kind::grants : Kind::revokes, leaf, text, after->rule});
  }

  const CheckedPair& from_;
  const CheckedPair& to_;
  std::vector<Difference> differences_;
};

}  // namespace

std::optional<Direction> direction_of(std::string_view leaf) {
  const auto found = leaves().find(leaf);
  if (found == leaves().end()) return std::nullopt;
  return found->second.direction;
}

Result<std::vector<Difference>> diff(const CheckedPair& from, const CheckedPair& to) {
  return Differ(from, to).run();
}

bool is_looser(const std::vector<Difference>& differences) {
  return std::any_of(differences.begin(), differences.end(),
                     [](const auto& each) { return each.kind == Kind::grants; });
}

}  // namespace caisson
