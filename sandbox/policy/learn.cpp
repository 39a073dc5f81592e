#include "sandbox/policy/learn.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sandbox/policy/audit.h"
#include "sandbox/policy/explain.h"
#include "sandbox/policy/fields.h"
#include "sandbox/policy/plan.h"
#include "sandbox/policy/units.h"

namespace caisson {
namespace {

using How = Learnable::How;

std::string times(std::uint64_t count) {
  return count == 1 ? "once" : fmt::format("{} times", count);
}

std::string why(const Wanted& wanted) {
  return fmt::format("{}, first in {}", times(wanted.count), wanted.first);
}

// "    - mincore  # 3 times, first in block 1"
std::string entry(const std::string& indent, const std::string& text, const std::string& comment) {
  return fmt::format("{:<40} # {}\n", indent + text, comment);
}

// A rule is for a path; many files of one directory become a rule for that.
constexpr std::size_t many = 8;

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 || slash == path.npos ? path : path.substr(0, slash);
}

// A round number with room: what was seen is not the most there will be.
std::uint64_t with_room(std::uint64_t bytes) {
  constexpr std::uint64_t step = 128 << 20;
  return (bytes + bytes / 2 + step - 1) / step * step;
}

std::chrono::milliseconds with_room(std::chrono::milliseconds time) {
  const auto seconds = (time.count() * 3 / 2 + 999) / 1000;
  return std::chrono::seconds((seconds + 4) / 5 * 5);
}

class Writer {
 public:
  Writer(const Policy& policy, const CompiledPolicy& compiled, const Observed& observed)
      : policy_(policy), compiled_(compiled), observed_(observed) {
    for (const auto& call : plan_syscalls(policy)) {
      if (call.action == CallPlan::Action::quiet) quiet_.insert(call.name);
    }
  }

  std::string run() {
    look_at_calls();
    look_at_paths();
    look_at_limits();
    std::string text;
    if (!optional_.empty()) {
      not_learnt_ +=
          "# tried, and mostly done without (libraries try them); for syscalls.allow+, if the\n"
          "# code fails without them:\n" +
          optional_;
    }
    if (!calls_.empty()) text += "syscalls:\n  allow+:\n" + calls_;
    if (!process_.empty()) text += "process:\n" + process_;
    if (!paths_.empty()) text += "filesystem:\n" + paths_;
    if (!resources_.empty()) text += "resources:\n" + resources_;
    if (!time_.empty()) text += "time:\n" + time_;
    if (!output_.empty()) text += "output:\n" + output_;
    text += python();
    return text;
  }

  std::string not_learnt() const { return not_learnt_; }

 private:
  void refuse(const std::string& what, const Wanted& wanted, const std::string& reason) {
    not_learnt_ += fmt::format("# not learnt: {}, {}: {}\n", what, why(wanted), reason);
  }

  void look_at_calls() {
    for (const auto& [call, wanted] : observed_.calls) {
      const auto can = learnable(policy_, call);
      switch (can.how) {
        case How::syscall:
          // What the parent refuses without a word is tried by libraries that do without it.
          (quiet_.contains(call) ? optional_ : calls_) +=
              entry(quiet_.contains(call) ? "    # - " : "    - ", call, why(wanted));
          break;
        case How::exec:
          if (!exec_) process_ += entry("  ", "exec: allow", why(wanted));
          exec_ = true;
          break;
        case How::write_and_execute:
          if (!jit_) process_ += entry("  ", "write_and_execute: true", why(wanted));
          jit_ = true;
          break;
        case How::never:
          refuse(call + "()", wanted, can.why_not);
          break;
      }
    }
  }

  Explanation ask(const std::string& path, Question::Access access) const {
    Question question;
    question.kind = Question::Kind::open;
    question.name = path;
    question.access = access;
    const auto said = explain(policy_, compiled_, question);
    return said ? *said : Explanation{};
  }

  void look_at_paths() {
    using Verdict = Explanation::Verdict;
    std::map<std::string, std::map<std::string, Wanted>> by_directory;
    for (const auto& [path, wanted] : observed_.reads) {
      const auto said = ask(path, Question::Access::read);
      if (said.verdict == Verdict::allow) continue;
      if (said.fix.empty()) {
        refuse("reading " + yaml_text(path), wanted, "it would show the host, or other processes");
      } else {
        by_directory[directory_of(path)][path] = wanted;
      }
    }
    std::string rows;
    for (const auto& [directory, files] : by_directory) {
      if (files.size() > many) {
        Wanted all;
        for (const auto& [path, wanted] : files) all.add(wanted.count, wanted.first);
        rows += entry("    - ", yaml_text(directory), why(all));
        continue;
      }
      for (const auto& [path, wanted] : files) {
        rows += entry("    - ", yaml_text(path), why(wanted));
      }
    }
    if (!rows.empty()) paths_ += "  read+:\n" + rows;
    for (const auto& [path, wanted] : observed_.writes) {
      if (ask(path, Question::Access::write).verdict == Verdict::allow) continue;
      refuse("writing " + yaml_text(path), wanted,
             "the image is read-only; it wants a mount there, or another path");
    }
  }

  // Leaves of limits that it ran into while it was watched get twice as much.
  void look_at_limits() {
    std::string rlimits;
    for (const auto& [leaf, wanted] : observed_.limits) {
      const auto* field = find_field(leaf);
      const auto now = field == nullptr ? std::nullopt : field->write(policy_);
      if (!now) continue;
      const auto size = parse_size(*now);
      const auto more = size ? format_size(*size * 2) : *now;
      if (leaf == "resources.pids.max") {
        resources_ +=
            entry("  ", fmt::format("pids: {{max: {}}}", more), "it ran into it, " + why(wanted));
      } else if (leaf.starts_with("resources.rlimits.")) {
        rlimits += entry("    ", fmt::format("{}: {}", leaf.substr(leaf.rfind('.') + 1), more),
                         "it ran into it, " + why(wanted));
      }
    }
    const auto& memory = policy_.resources.memory_max_bytes;
    if (observed_.memory_bytes > memory / 4 * 3) {
      resources_ += entry(
          "  ", fmt::format("memory: {{max: {}}}", format_size(with_room(observed_.memory_bytes))),
          fmt::format("it used {} MiB", observed_.memory_bytes >> 20));
    }
    if (!rlimits.empty()) resources_ += "  rlimits:\n" + rlimits;
    const auto add_time = [&](const char* leaf, Millis limit, Millis seen) {
      if (seen <= limit / 4 * 3) return;
      time_ +=
          entry("  ", fmt::format("{}: {}", leaf, format_duration(with_room(seen))),
                fmt::format("a block took {:.1f} s", static_cast<double>(seen.count()) / 1000));
    };
    add_time("block", policy_.time.block, observed_.wall);
    add_time("cpu", policy_.time.cpu, observed_.cpu);
    if (observed_.output_bytes > policy_.output.total_max_bytes / 4 * 3) {
      output_ += entry(
          "  ",
          fmt::format("total: {{max_bytes: {}}}", format_size(with_room(observed_.output_bytes))),
          fmt::format("a block wrote {} bytes", observed_.output_bytes));
    }
  }

  std::string python() const {
    std::string text;
    for (const auto& [name, list] :
         {std::pair("deny", &observed_.modules), std::pair("events", &observed_.events)}) {
      if (list->empty()) continue;
      text += fmt::format("  {}:\n", name);
      for (const auto& [key, wanted] : *list)
        text += entry("    ", yaml_text(key) + ":", "no more; " + why(wanted));
    }
    return text.empty() ? "" : "python:\n" + text;
  }

  const Policy& policy_;
  const CompiledPolicy& compiled_;
  const Observed& observed_;
  std::set<std::string> quiet_;
  bool exec_ = false;
  bool jit_ = false;
  std::string calls_, optional_, process_, paths_, resources_, time_, output_, not_learnt_;
};

}  // namespace

Learnt learn(const Policy& policy, const CompiledPolicy& compiled, const std::string& parent,
             const std::string& image, const Observed& observed) {
  Writer writer(policy, compiled, observed);
  const auto body = writer.run();
  Learnt learnt;
  learnt.needs = !body.empty();
  learnt.yaml = fmt::format(
      "# Learnt from {} block{} under {}. Read each line before you use it: it is what the code "
      "did,\n"
      "# and not what it should do.\n",
      observed.blocks, observed.blocks == 1 ? "" : "s", parent);
  learnt.yaml += writer.not_learnt();
  learnt.yaml += fmt::format("version: 1\nname: learnt\nextends: [{}]\n", yaml_text(parent));
  if (!image.empty()) learnt.yaml += fmt::format("runtime: {{image: {}}}\n", yaml_text(image));
  if (body.empty()) learnt.yaml += fmt::format("# {} is enough.\n", parent);
  learnt.yaml += body;
  return learnt;
}

}  // namespace caisson
