#include "sandbox/policy/listing.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "sandbox/policy/explain.h"
#include "sandbox/policy/plan.h"
#include "sandbox/policy/question.h"

namespace caisson {
namespace {

// What a word of struct seccomp_data is.
std::string word_at(std::uint32_t offset) {
  if (offset == 0) return "nr";
  if (offset == 4) return "arch";
  if (offset == 8 || offset == 12) return offset == 8 ? "ip.low" : "ip.high";
  return fmt::format("args[{}].{}", (offset - 16) / 8, (offset - 16) % 8 == 0 ? "low" : "high");
}

std::string answer(std::uint32_t value) {
  switch (value & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return "allow";
    case SECCOMP_RET_ERRNO:
      return fmt::format("errno {}", value & SECCOMP_RET_DATA);
    case SECCOMP_RET_USER_NOTIF:
      return "notify";
    case SECCOMP_RET_KILL_PROCESS:
      return "kill_process";
    default:
      return fmt::format("{:#x}", value);
  }
}

std::string instruction_text(const sock_filter& step, std::size_t at) {
  const auto jump = [&](const char* name) {
    return fmt::format("{:<4} #{:#x}, {}, {}", name, step.k, at + 1 + step.jt, at + 1 + step.jf);
  };
  switch (step.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return "ld   " + word_at(step.k);
    case BPF_JMP | BPF_JEQ | BPF_K:
      return jump("jeq");
    case BPF_JMP | BPF_JGE | BPF_K:
      return jump("jge");
    case BPF_JMP | BPF_JGT | BPF_K:
      return jump("jgt");
    case BPF_JMP | BPF_JSET | BPF_K:
      return jump("jset");
    case BPF_JMP | BPF_JA:
      return fmt::format("ja   {}", at + 1 + step.k);
    case BPF_ALU | BPF_AND | BPF_K:
      return fmt::format("and  #{:#x}", step.k);
    case BPF_RET | BPF_K:
      return "ret  " + answer(step.k);
    default:
      return fmt::format("{:#06x} jt {} jf {} k {:#x}", step.code, step.jt, step.jf, step.k);
  }
}

std::string condition_text(const ArgTests& tests) {
  std::string text;
  for (const auto& test : tests) {
    const bool all = (test.mask & 0xFFFFFFFF) == 0xFFFFFFFF;
    text += text.empty() ? "" : " and ";
    text += all ? fmt::format("arg{} = {:#x}", test.arg, test.value)
                : fmt::format("arg{} & {:#x} = {:#x}", test.arg, test.mask, test.value);
  }
  return text;
}

std::string said(const Explanation& explanation) {
  if (explanation.layer == "init") return "init decides";
  return explanation.verdict == Explanation::Verdict::allow ? "allow" : explanation.error;
}

}  // namespace

std::string filter_text(std::span<const std::uint8_t> filter) {
  std::vector<sock_filter> program(filter.size() / sizeof(sock_filter));
  std::memcpy(program.data(), filter.data(), program.size() * sizeof(sock_filter));
  std::string text;
  for (std::size_t at = 0; at < program.size(); ++at) {
    text += fmt::format("{:>5}  {}\n", at, instruction_text(program[at], at));
  }
  return text;
}

Result<std::string> call_list(const Policy& policy, const CompiledPolicy& compiled) {
  std::string text;
  for (const auto& call : plan_syscalls(policy)) {
    Question question;
    question.name = call.name;
    question.number = call.number;
    const auto first = explain(policy, compiled, question);
    if (!first) return first.error();
    if (call.action != CallPlan::Action::conditional) {
      text += fmt::format("{:<24} {:<13} {}\n", call.name, said(*first), first->rule);
      continue;
    }
    // What no condition lets through: values that none of them has.
    question.args.fill(~std::uint64_t{0});
    const auto otherwise = explain(policy, compiled, question);
    if (!otherwise) return otherwise.error();
    for (const auto& tests : call.allowed_when) {
      text += fmt::format("{:<24} {:<13} {}\n", call.name, "allow when", condition_text(tests));
    }
    text += fmt::format("{:<24} {:<13} {}\n", "", "else " + said(*otherwise), otherwise->rule);
  }
  return text;
}

}  // namespace caisson
