#include "sandbox/policy/verdict.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstring>
#include <optional>
#include <vector>

namespace caisson {
namespace {

// Classic BPF as seccomp(2) takes it: forward jumps only, so every program ends.
class Machine {
 public:
  Machine(std::span<const std::uint8_t> filter, const SyscallInput& call)
      : program_(filter.size() / sizeof(sock_filter)) {
    std::memcpy(program_.data(), filter.data(), program_.size() * sizeof(sock_filter));
    data_.nr = static_cast<int>(call.number);
    data_.arch = call.arch;
    data_.instruction_pointer = call.instruction_pointer;
    for (std::size_t i = 0; i < call.args.size(); ++i) data_.args[i] = call.args[i];
  }

  // What the filter returns, or nothing when it is not a valid one.
  std::optional<std::uint32_t> run() {
    for (std::size_t at = 0; at < program_.size(); ++at) {
      const auto& step = program_[at];
      switch (BPF_CLASS(step.code)) {
        case BPF_RET:
          return BPF_RVAL(step.code) == BPF_A ? a_ : step.k;
        case BPF_JMP:
          at += jump(step);
          break;
        case BPF_LD:
        case BPF_LDX:
          if (!load(step)) return std::nullopt;
          break;
        case BPF_ST:
        case BPF_STX:
          if (step.k >= BPF_MEMWORDS) return std::nullopt;
          memory_[step.k] = BPF_CLASS(step.code) == BPF_ST ? a_ : x_;
          break;
        case BPF_ALU:
          if (!compute(step)) return std::nullopt;
          break;
        case BPF_MISC:
          if (BPF_MISCOP(step.code) == BPF_TAX) {
            x_ = a_;
          } else {
            a_ = x_;
          }
          break;
        default:
          return std::nullopt;
      }
    }
    return std::nullopt;
  }

 private:
  std::size_t jump(const sock_filter& step) const {
    const auto with = BPF_SRC(step.code) == BPF_X ? x_ : step.k;
    switch (BPF_OP(step.code)) {
      case BPF_JA:
        return step.k;
      case BPF_JEQ:
        return a_ == with ? step.jt : step.jf;
      case BPF_JGT:
        return a_ > with ? step.jt : step.jf;
      case BPF_JGE:
        return a_ >= with ? step.jt : step.jf;
      default:
        return (a_ & with) != 0 ? step.jt : step.jf;  // BPF_JSET, the only one left
    }
  }

  bool load(const sock_filter& step) {
    auto& target = BPF_CLASS(step.code) == BPF_LD ? a_ : x_;
    switch (BPF_MODE(step.code)) {
      case BPF_IMM:
        target = step.k;
        return true;
      case BPF_LEN:
        target = sizeof data_;
        return true;
      case BPF_MEM:
        if (step.k >= BPF_MEMWORDS) return false;
        target = memory_[step.k];
        return true;
      case BPF_ABS:
        if (step.k % 4 != 0 || step.k > sizeof data_ - 4) return false;
        std::memcpy(&target, reinterpret_cast<const char*>(&data_) + step.k, 4);
        return true;
      default:
        return false;
    }
  }

  bool compute(const sock_filter& step) {
    const auto with = BPF_SRC(step.code) == BPF_X ? x_ : step.k;
    switch (BPF_OP(step.code)) {
      case BPF_ADD:
        a_ += with;
        return true;
      case BPF_SUB:
        a_ -= with;
        return true;
      case BPF_MUL:
        a_ *= with;
        return true;
      case BPF_DIV:
        if (with == 0) return false;
        a_ /= with;
        return true;
      case BPF_AND:
        a_ &= with;
        return true;
      case BPF_OR:
        a_ |= with;
        return true;
      case BPF_XOR:
        a_ ^= with;
        return true;
      case BPF_LSH:
        a_ = with < 32 ? a_ << with : 0;
        return true;
      case BPF_RSH:
        a_ = with < 32 ? a_ >> with : 0;
        return true;
      case BPF_NEG:
        a_ = 0 - a_;
        return true;
      default:
        return false;
    }
  }

  std::vector<sock_filter> program_;
  seccomp_data data_{};
  std::uint32_t a_ = 0;
  std::uint32_t x_ = 0;
  std::uint32_t memory_[BPF_MEMWORDS] = {};
};

}  // namespace

Result<Verdict> evaluate(std::span<const std::uint8_t> filter, const SyscallInput& call) {
  using Kind = Verdict::Kind;
  const auto refuse = [] { return Error(Errc::bad_input, "these bytes are not a seccomp filter"); };
  if (filter.empty() || filter.size() % sizeof(sock_filter) != 0) return refuse();
  const auto answer = Machine(filter, call).run();
  if (!answer) return refuse();
  switch (*answer & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return Verdict{Kind::allow};
    case SECCOMP_RET_ERRNO:
      return Verdict{Kind::error, static_cast<int>(*answer & 0xffff)};
    case SECCOMP_RET_USER_NOTIF:
      return Verdict{Kind::notify};
    case SECCOMP_RET_KILL_THREAD:
      return Verdict{Kind::kill_thread};
    case SECCOMP_RET_TRAP:
      return Verdict{Kind::trap};
    case SECCOMP_RET_TRACE:
      return Verdict{Kind::trace};
    case SECCOMP_RET_LOG:
      return Verdict{Kind::log};
    default:
      return Verdict{Kind::kill_process};  // as the kernel takes what it does not know
  }
}

std::string to_text(const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::allow:
      return "allow";
    case Verdict::Kind::error:
      return fmt::format("errno {}", verdict.error);
    case Verdict::Kind::notify:
      return "notify";
    case Verdict::Kind::kill_process:
      return "kill";
    case Verdict::Kind::kill_thread:
      return "kill thread";
    case Verdict::Kind::trap:
      return "trap";
    case Verdict::Kind::trace:
      return "trace";
    case Verdict::Kind::log:
      return "log";
  }
  return "";
}

}  // namespace caisson
