#include "sandbox/policy/denial.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "sandbox/policy/groups.h"

namespace caisson {
namespace {

struct Name {
  std::uint64_t value;
  std::string_view name;
};

constexpr Name families[] = {{1, "AF_UNIX"},     {2, "AF_INET"},    {10, "AF_INET6"},
                             {16, "AF_NETLINK"}, {17, "AF_PACKET"}, {31, "AF_BLUETOOTH"},
                             {38, "AF_ALG"},     {40, "AF_VSOCK"},  {44, "AF_XDP"},
                             {15, "AF_KEY"},     {29, "AF_CAN"},    {30, "AF_TIPC"}};
constexpr Name socket_types[] = {
    {1, "SOCK_STREAM"}, {2, "SOCK_DGRAM"}, {3, "SOCK_RAW"}, {5, "SOCK_SEQPACKET"}};

template <std::size_t n>
std::string name_of(const Name (&names)[n], std::uint64_t value) {
  for (const auto& known : names) {
    if (known.value == value) return std::string(known.name);
  }
  return std::to_string(value);
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "network.mode: none (builtin:strict:12)"
std::string rule(const Policy& policy, const std::string& leaf, const std::string& value) {
  const auto origin = policy.origins.find(leaf);
  const auto where = origin == policy.origins.end()
                         ? std::string("built in")
                         : fmt::format("{}:{}", origin->second.file, origin->second.line);
  return fmt::format("{}{}{} ({})", leaf, value.empty() ? "" : ": ", value, where);
}

std::string subject_of(const std::string& name, const DeniedSyscall& call) {
  if (name == "socket" || name == "socketpair") {
    // The type's upper bits are SOCK_NONBLOCK and SOCK_CLOEXEC.
    return fmt::format("{}({}, {}, {})", name, name_of(families, call.args[0]),
                       name_of(socket_types, call.args[1] & 0xF), call.args[2]);
  }
  if (is_one_of(name, {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"})) {
    return fmt::format("{}({}, {})", name, static_cast<std::int32_t>(call.args[0]),
                       static_cast<std::int32_t>(call.args[1]));
  }
  return name + "()";
}

// The entry of syscalls.deny that names this call, itself or by its group; empty: none does.
std::string denied_by_name(const Policy& policy, const std::string& name) {
  for (const auto& entry : policy.syscalls.deny) {
    if (entry == name) return entry;
    const auto members = expand_group(entry);
    if (members && std::find(members->begin(), members->end(), name) != members->end()) {
      return entry;
    }
  }
  return {};
}

std::string_view name_of(Exec exec) {
  return exec == Exec::deny ? "deny" : "allow";
}
std::string_view name_of(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::none:
      return "none";
    case NetworkMode::loopback:
      return "loopback";
    case NetworkMode::proxy:
      return "proxy";
  }
  return "";
}

std::string hint_of(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::none:
      return "This session has no network: do not try again, use what is in the sandbox.";
    case NetworkMode::loopback:
      return "Only sockets on the loopback address exist in this session.";
    case NetworkMode::proxy:
      return "Hosts are reached by HTTP and HTTPS alone, through the proxy that the environment "
             "names.";
  }
  return "";
}

bool can_be_allowed(const std::string& call) {
  const auto escape = *expand_group("@sandbox-escape");
  return std::find(escape.begin(), escape.end(), call) == escape.end();
}

// The guest chose it, and it ends up in what a model reads: a line of its own would look like ours.
bool is_dotted_name(std::string_view text) {
  constexpr std::size_t longest = 200;
  return text.size() <= longest && std::all_of(text.begin(), text.end(), [](char letter) {
           return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                  (letter >= '0' && letter <= '9') || letter == '_' || letter == '.';
         });
}

}  // namespace

std::string fix_for_call(const std::string& call) {
  if (call == "socket" || call == "socketpair" || call == "connect") {
    return "network.mode: loopback, or proxy with network.egress.allow; other families never";
  }
  if (call == "execve" || call == "execveat") return "process.exec: allow";
  if (!can_be_allowed(call)) return "";
  return fmt::format("syscalls.allow+: [{}]", call);
}

DenialText explain_denial(const Policy& policy, const DeniedSyscall& call) {
  const auto name = syscall_name(call.number);
  DenialText text;
  text.layer = "seccomp";
  text.fix = fix_for_call(name);
  text.subject = subject_of(name, call);
  const char* error = ::strerrorname_np(call.error);
  // 0: it was let through to be told (audit.h).
  if (call.error != 0) text.error = error != nullptr ? error : std::to_string(call.error);
  // Starting programs is decided by process.exec alone, and check() refuses execve in this list.
  if (const auto entry = denied_by_name(policy, name); !entry.empty()) {
    text.rule = rule(policy, "syscalls.deny", entry);
    text.fix = fmt::format("syscalls.deny-: [{}]", entry);
    text.hint = fmt::format("The system call {} is not available in this session.", name);
  } else if (name == "socket" || name == "socketpair") {
    text.rule = rule(policy, "network.mode", std::string(name_of(policy.network.mode)));
    text.hint = hint_of(policy.network.mode);
  } else if (is_one_of(name, {"execve", "execveat"})) {
    text.rule = rule(policy, "process.exec", std::string(name_of(policy.process.exec)));
    text.hint = "This session starts no programs: do it in Python.";
  } else if (is_one_of(name, {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
                              "pidfd_send_signal"})) {
    text.rule = "protected processes (built in)";
    text.fix.clear();
    text.hint =
        "That process keeps the session alive: only processes that the code started can be "
        "signalled.";
  } else if (is_one_of(name, {"mmap", "mprotect", "pkey_mprotect"})) {
    text.rule = rule(policy, "process.write_and_execute", "false");
    text.fix = "process.write_and_execute: true";
    text.hint = "Memory that is writable and executable is not allowed in this session.";
  } else if (is_one_of(name, {"clone", "unshare", "setns"})) {
    text.fix.clear();
    text.rule = rule(policy, "syscalls.allow", "");
    text.hint = "Namespaces cannot be made or entered here; threads and fork work.";
  } else {
    text.rule = rule(policy, "syscalls.allow", "");
    text.hint = fmt::format("The system call {} is not available in this session.", name);
  }
  return text;
}

std::optional<DenialText> explain_import(const Policy& policy, const std::string& module) {
  if (policy.python.guidance == Guidance::off || !is_dotted_name(module)) return std::nullopt;
  for (std::string name = module; !name.empty();) {
    if (const auto said = policy.python.deny.find(name); said != policy.python.deny.end()) {
      return DenialText{"python",      "import " + module,
                        "ImportError", rule(policy, "python.deny." + name, ""),
                        said->second,  fmt::format("python.deny: {{{}: }}, without a value", name)};
    }
    const auto dot = name.rfind('.');
    name = dot == name.npos ? "" : name.substr(0, dot);
  }
  return std::nullopt;
}

std::optional<DenialText> explain_event(const Policy& policy, const std::string& event) {
  if (policy.python.guidance == Guidance::off || !is_dotted_name(event)) return std::nullopt;
  for (const auto& key : {event, event.substr(0, event.find('.')) + ".*"}) {
    if (const auto said = policy.python.events.find(key); said != policy.python.events.end()) {
      return DenialText{
          "python",          event,
          "PermissionError", rule(policy, "python.events." + key, ""),
          said->second,      fmt::format("python.events: {{{}: }}, without a value", key)};
    }
  }
  return std::nullopt;
}

std::optional<DenialText> explain_tool(const Policy& policy, const std::string& tool,
                                       std::uint64_t count) {
  const auto names = [&tool](const std::vector<std::string>& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& each) { return each == tool || each == "*"; });
  };
  const std::string shown = is_dotted_name(tool) ? tool : "of that name";
  const auto subject = fmt::format("tool {}", shown);
  const auto hint = fmt::format("The tool {} is not available in this session.", shown);
  if (names(policy.tools.deny)) {
    return DenialText{"tool",      subject,
                      "ToolError", rule(policy, "tools.deny", ""),
                      hint,        fmt::format("tools.deny-: [{}]", shown)};
  }
  if (!names(policy.tools.allow)) {
    return DenialText{"tool",      subject,
                      "ToolError", rule(policy, "tools.allow", ""),
                      hint,        fmt::format("tools.allow+: [{}]", shown)};
  }
  if (count > policy.tools.max_calls) {
    return DenialText{"tool",
                      "tool calls",
                      "ToolError",
                      rule(policy, "tools.max_calls", std::to_string(policy.tools.max_calls)),
                      fmt::format("A block may call tools {} times: do the rest in the next one.",
                                  policy.tools.max_calls),
                      "tools.max_calls: a larger value"};
  }
  return std::nullopt;
}

}  // namespace caisson
