#include "sandbox/policy/question.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <charconv>
#include <optional>
#include <vector>

#include "sandbox/policy/groups.h"
#include "sandbox/policy/units.h"

namespace caisson {
namespace {

struct Constant {
  std::string_view name;
  std::uint64_t value;
};

constexpr Constant constants[] = {
    {"AF_UNIX", AF_UNIX},
    {"AF_INET", AF_INET},
    {"AF_INET6", AF_INET6},
    {"AF_NETLINK", AF_NETLINK},
    {"AF_PACKET", AF_PACKET},
    {"AF_ALG", AF_ALG},
    {"AF_VSOCK", AF_VSOCK},
    {"SOCK_STREAM", SOCK_STREAM},
    {"SOCK_DGRAM", SOCK_DGRAM},
    {"SOCK_RAW", SOCK_RAW},
    {"SOCK_CLOEXEC", SOCK_CLOEXEC},
    {"SOCK_NONBLOCK", SOCK_NONBLOCK},
    {"CLONE_NEWUSER", CLONE_NEWUSER},
    {"CLONE_NEWNS", CLONE_NEWNS},
    {"CLONE_NEWPID", CLONE_NEWPID},
    {"CLONE_NEWNET", CLONE_NEWNET},
    {"CLONE_THREAD", CLONE_THREAD},
    {"CLONE_VM", CLONE_VM},
    {"PROT_READ", PROT_READ},
    {"PROT_WRITE", PROT_WRITE},
    {"PROT_EXEC", PROT_EXEC},
    {"MAP_PRIVATE", MAP_PRIVATE},
    {"MAP_ANONYMOUS", MAP_ANONYMOUS},
    {"S_IFIFO", S_IFIFO},
    {"S_IFREG", S_IFREG},
    {"S_IFCHR", S_IFCHR},
    {"S_IFBLK", S_IFBLK},
    {"TIOCGWINSZ", TIOCGWINSZ},
    {"TCGETS", TCGETS},
    {"TIOCSTI", TIOCSTI},
    {"FIONREAD", FIONREAD},
    {"PR_SET_NAME", PR_SET_NAME},
    {"PR_SET_DUMPABLE", PR_SET_DUMPABLE},
    {"PR_SET_SECCOMP", PR_SET_SECCOMP},
};

Error wrong(std::string text) {
  return Error(Errc::bad_input, std::move(text));
}

std::optional<std::uint64_t> read_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<std::uint64_t> read_argument(std::string_view text) {
  std::uint64_t value = 0;
  while (true) {
    const auto bar = text.find('|');
    const auto word = text.substr(0, bar);
    auto part = read_number(word);
    std::vector<std::string> names;
    for (const auto& constant : constants) {
      if (constant.name == word) part = constant.value;
      names.emplace_back(constant.name);
    }
    if (!part) {
      const auto guess = nearest(std::string(word), names);
      return wrong(fmt::format("'{}' is neither a number nor a constant that is known here ({})",
                               word, guess.empty() ? "give the number" : "did you mean " + guess));
    }
    value |= *part;
    if (bar == text.npos) return value;
    text.remove_prefix(bar + 1);
  }
}

Result<Question> read_syscall(std::string_view text) {
  Question question;
  const auto colon = text.find(':');
  question.name = text.substr(0, colon);
  question.number = syscall_number(question.name);
  if (question.number < 0) {
    std::vector<std::string> names;
    for (const int number : known_syscall_numbers()) names.push_back(syscall_name(number));
    const auto guess = nearest(question.name, names);
    return wrong(fmt::format("there is no system call '{}' on x86-64{}", question.name,
                             guess.empty() ? "" : " (did you mean '" + guess + "'?)"));
  }
  auto rest = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  question.text = fmt::format("{}({})", question.name, rest);
  for (std::size_t i = 0; !rest.empty(); ++i) {
    if (i == question.args.size()) return wrong("a system call has six arguments at most");
    const auto comma = rest.find(',');
    auto value = read_argument(rest.substr(0, comma));
    if (!value) return value.error();
    question.args[i] = *value;
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  return question;
}

Result<Question> read_open(std::string_view text) {
  Question question;
  if (text.size() > 2 && text[text.size() - 2] == ':') {
    const char how = text.back();
    if (how == 'w') question.access = Question::Access::write;
    if (how == 'x') question.access = Question::Access::execute;
    if (how == 'r' || how == 'w' || how == 'x') text.remove_suffix(2);
  }
  if (!text.starts_with('/')) {
    return wrong(fmt::format("'{}' is not an absolute path (try /workspace/{})", text, text));
  }
  question.name = text;
  question.text = fmt::format("{} {}",
                              question.access == Question::Access::read    ? "read"
                              : question.access == Question::Access::write ? "write"
                                                                           : "execute",
                              text);
  return question;
}

Result<Question> read_connect(std::string_view text) {
  Question question;
  const auto colon = text.rfind(':');
  const auto port = colon == text.npos ? std::nullopt : read_number(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535 || colon == 0) {
    return wrong(fmt::format("'{}' is not HOST:PORT (try api.example.org:443)", text));
  }
  question.name = text.substr(0, colon);
  question.port = static_cast<std::uint16_t>(*port);
  question.text = fmt::format("connect to {}", text);
  return question;
}

}  // namespace

Result<Question> read_question(Question::Kind kind, std::string_view text) {
  if (text.empty()) return wrong("an empty question");
  auto question = [&]() -> Result<Question> {
    switch (kind) {
      case Question::Kind::syscall:
        return read_syscall(text);
      case Question::Kind::open:
        return read_open(text);
      case Question::Kind::connect:
        return read_connect(text);
      case Question::Kind::import:
      case Question::Kind::limit:
        break;
    }
    Question simple;
    simple.name = text;
    simple.text = kind == Question::Kind::import ? fmt::format("import {}", text)
                                                 : fmt::format("limit of {}", text);
    return simple;
  }();
  if (question) question->kind = kind;
  return question;
}

}  // namespace caisson
