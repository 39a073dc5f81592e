#include "sandbox/policy/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>

#include "sandbox/policy/units.h"
#include "sandbox/policy/values.h"

namespace caisson {
namespace {

constexpr std::uint64_t KiB = 1 << 10;
constexpr std::uint64_t MiB = 1 << 20;
constexpr std::uint64_t GiB = 1 << 30;
constexpr std::uint64_t TiB = 1ULL << 40;
using std::chrono::hours;

// How to reach a leaf: at(&Policy::time, &Policy::Time::block).
template <class Section, class Leaf>
auto at(Section Policy::* section, Leaf Section::* leaf) {
  return [section, leaf](auto& policy) -> auto& { return policy.*section.*leaf; };
}

template <class Leaf>
auto egress(Leaf Policy::Network::Egress::* leaf) {
  return [leaf](auto& policy) -> auto& { return policy.network.egress.*leaf; };
}

Field scalar(std::string path, auto read, auto write) {
  Field field;
  field.path = std::move(path);
  field.read = std::move(read);
  field.write = std::move(write);
  return field;
}

Field text(std::string path, auto leaf) {
  return scalar(
      std::move(path),
      [leaf](std::string_view value, Policy& policy) {
        leaf(policy) = std::string(value);
        return std::string();
      },
      [leaf](const Policy& policy) -> std::optional<std::string> {
        return yaml_text(leaf(policy));
      });
}

Field size(std::string path, auto leaf, std::uint64_t low, std::uint64_t high) {
  auto field = scalar(
      std::move(path),
      [=](std::string_view value, Policy& policy) {
        return read_size(value, low, high, leaf(policy));
      },
      [leaf](const Policy& policy) -> std::optional<std::string> {
        return format_size(leaf(policy));
      });
  field.schema = size_schema(low);
  return field;
}

Field duration(std::string path, auto leaf, Millis low, Millis high) {
  auto field = scalar(
      std::move(path),
      [=](std::string_view value, Policy& policy) -> std::string {
        const auto time = parse_duration(value);
        if (!time) {
          return or_guess(fmt::format("'{}' is not a duration", value), guess_duration(value),
                          "a whole number with ms, s, m or h: 10s");
        }
        if (*time < low || *time > high) {
          return fmt::format("{} is out of range ({} to {})", value, format_duration(low),
                             format_duration(high));
        }
        leaf(policy) = *time;
        return "";
      },
      [leaf](const Policy& policy) -> std::optional<std::string> {
        return format_duration(leaf(policy));
      });
  field.schema = R"({"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"})";
  return field;
}

Field whole(std::string path, auto leaf, std::int64_t low, std::int64_t high) {
  auto field = scalar(
      std::move(path),
      [=](std::string_view value, Policy& policy) {
        std::int64_t number = 0;
        auto wrong = read_whole(value, low, high, number);
        auto& target = leaf(policy);
        if (wrong.empty()) target = static_cast<std::remove_reference_t<decltype(target)>>(number);
        return wrong;
      },
      [leaf](const Policy& policy) -> std::optional<std::string> {
        return fmt::format("{}", leaf(policy));
      });
  field.schema = whole_schema(low, high);
  field.bare = true;
  return field;
}

Field real(std::string path, auto leaf, double low, double high) {
  auto field = scalar(
      std::move(path),
      [=](std::string_view value, Policy& policy) -> std::string {
        double number = 0;
        const auto* end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, number);
        if (error != std::errc() || stop != end || !std::isfinite(number)) {
          return fmt::format("'{}' is not a number", value);
        }
        if (number < low || number > high) {
          return fmt::format("{} is out of range ({} to {})", value, low, high);
        }
        leaf(policy) = number;
        return "";
      },
      [leaf](const Policy& policy) -> std::optional<std::string> {
        return fmt::format("{}", leaf(policy));
      });
  field.schema = fmt::format(R"({{"type": "number", "minimum": {}, "maximum": {}}})", low, high);
  field.bare = true;
  return field;
}

Field flag(std::string path, auto leaf) {
  auto field = scalar(
      std::move(path),
      [leaf](std::string_view value, Policy& policy) { return read_flag(value, leaf(policy)); },
      [leaf](const Policy& policy) -> std::optional<std::string> {
        return leaf(policy) ? "true" : "false";
      });
  field.schema = flag_schema;
  field.bare = true;
  return field;
}

// Enumerators are numbered from 0 in the order of their names. `refused`: what others know by that
// name, and why it is not here.
template <class Leaf>
Field choice(std::string path, Leaf leaf, std::vector<std::string> names,
             std::map<std::string, std::string, std::less<>> refused = {}) {
  auto field = scalar(
      std::move(path),
      [=](std::string_view value, Policy& policy) -> std::string {
        for (std::size_t i = 0; i < names.size(); ++i) {
          if (names[i] != value) continue;
          auto& target = leaf(policy);
          target = static_cast<std::remove_reference_t<decltype(target)>>(i);
          return "";
        }
        const auto options = fmt::format("{}", fmt::join(names, ", "));
        if (const auto why = refused.find(value); why != refused.end()) {
          return fmt::format("'{}' is not offered: {} (one of {})", value, why->second, options);
        }
        const auto guess = nearest(value, names);
        return guess.empty() ? fmt::format("'{}' is not one of {}", value, options)
                             : fmt::format("'{}' is not one of {} (did you mean '{}'?)", value,
                                           options, guess);
      },
      [=](const Policy& policy) -> std::optional<std::string> {
        return names.at(static_cast<std::size_t>(leaf(policy)));
      });
  field.schema = choice_schema(names);
  return field;
}

Field umask(std::string path) {
  auto field = scalar(
      std::move(path),
      [](std::string_view value, Policy& policy) -> std::string {
        std::uint32_t mode = 0;
        const auto* end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, mode, 8);
        if (error != std::errc() || stop != end || mode > 0777) {
          return fmt::format("'{}' is not an octal file mode (try \"0077\")", value);
        }
        policy.process.umask = mode;
        return "";
      },
      [](const Policy& policy) -> std::optional<std::string> {
        return fmt::format("\"{:04o}\"", policy.process.umask);
      });
  field.schema = R"({"type": "string", "pattern": "^0?[0-7]{1,3}$"})";
  return field;
}

Field rlimit(const std::string& name, bool in_bytes, std::uint64_t high) {
  auto field = scalar(
      "resources.rlimits." + name,
      [=](std::string_view value, Policy& policy) {
        std::uint64_t limit = 0;
        std::int64_t number = 0;
        auto wrong = in_bytes ? read_size(value, 0, high, limit)
                              : read_whole(value, 0, static_cast<std::int64_t>(high), number);
        if (!wrong.empty()) return wrong;
        policy.resources.rlimits[name] = in_bytes ? limit : static_cast<std::uint64_t>(number);
        return wrong;
      },
      [=](const Policy& policy) -> std::optional<std::string> {
        const auto limit = policy.resources.rlimits.find(name);
        if (limit == policy.resources.rlimits.end()) return std::nullopt;
        return in_bytes ? format_size(limit->second) : std::to_string(limit->second);
      });
  field.schema = in_bytes ? size_schema(0) : whole_schema(0, static_cast<std::int64_t>(high));
  field.bare = !in_bytes;
  return field;
}

Field list(std::string path, std::vector<std::string>& (*leaf)(Policy&)) {
  Field field;
  field.path = std::move(path);
  field.kind = Field::Kind::list;
  field.list = leaf;
  return field;
}

Field map(std::string path, std::map<std::string, std::string>& (*leaf)(Policy&)) {
  Field field;
  field.path = std::move(path);
  field.kind = Field::Kind::map;
  field.map = leaf;
  return field;
}

Field table(std::string path, const Table& rows) {
  Field field;
  field.path = std::move(path);
  field.kind = Field::Kind::table;
  field.table = &rows;
  return field;
}

std::vector<Field> make_fields() {
  using P = Policy;
  const std::vector<std::string> need{"required", "best_effort", "off"};
  constexpr std::int64_t any_id = std::numeric_limits<std::uint32_t>::max();
  return {
      text("name", [](auto& policy) -> auto& { return policy.name; }),
      text("description", [](auto& policy) -> auto& { return policy.description; }),

      map("acknowledge", [](P& policy) -> auto& { return policy.acknowledge; }),

      text("runtime.handler", at(&P::runtime, &P::Runtime::handler)),
      text("runtime.image", at(&P::runtime, &P::Runtime::image)),
      choice("runtime.landlock", at(&P::runtime, &P::Runtime::landlock), need),
      choice("runtime.notify", at(&P::runtime, &P::Runtime::notify), need),
      choice("runtime.resource_limits", at(&P::runtime, &P::Runtime::resource_limits), need),

      whole("process.user", at(&P::process, &P::Process::user), 0, any_id),
      whole("process.group", at(&P::process, &P::Process::group), 0, any_id),
      umask("process.umask"),
      text("process.working_dir", at(&P::process, &P::Process::working_dir)),
      text("process.hostname", at(&P::process, &P::Process::hostname)),
      choice("process.exec", at(&P::process, &P::Process::exec), {"deny", "allow"}),
      flag("process.write_and_execute", at(&P::process, &P::Process::write_and_execute)),
      whole("process.oom_score_adj", at(&P::process, &P::Process::oom_score_adj), 0, 1000),

      table("filesystem.mounts", mount_table()),
      list("filesystem.read", [](P& policy) -> auto& { return policy.filesystem.read; }),
      list("filesystem.write", [](P& policy) -> auto& { return policy.filesystem.write; }),
      list("filesystem.execute", [](P& policy) -> auto& { return policy.filesystem.execute; }),

      choice("network.mode", at(&P::network, &P::Network::mode), {"none", "loopback", "proxy"},
             {{"bridge", "a routed device would go around the allow-list"},
              {"host", "the sandbox would see the host's own network"}}),
      table("network.egress.allow", egress_table()),
      table("network.egress.credentials", credential_table()),
      list("network.egress.exempt",
           [](P& policy) -> auto& { return policy.network.egress.exempt; }),
      whole("network.egress.max_connections", egress(&P::Network::Egress::max_connections), 1, 256),
      whole("network.egress.requests_per_minute", egress(&P::Network::Egress::requests_per_minute),
            1, 100000),
      size("network.egress.upload_max_bytes", egress(&P::Network::Egress::upload_max_bytes), KiB,
           64 * TiB),
      size("network.egress.download_max_bytes", egress(&P::Network::Egress::download_max_bytes),
           KiB, 64 * TiB),

      list("syscalls.allow", [](P& policy) -> auto& { return policy.syscalls.allow; }),
      list("syscalls.deny", [](P& policy) -> auto& { return policy.syscalls.deny; }),
      list("syscalls.missing", [](P& policy) -> auto& { return policy.syscalls.missing; }),
      list("syscalls.quiet", [](P& policy) -> auto& { return policy.syscalls.quiet; }),
      choice("syscalls.on_deny", at(&P::syscalls, &P::Syscalls::on_deny),
             {"notify", "error", "kill"}),

      real("resources.cpus", at(&P::resources, &P::Resources::cpus), 0.01, 1024),
      size("resources.memory.max", at(&P::resources, &P::Resources::memory_max_bytes), 0, 64 * TiB),
      whole("resources.pids.max", at(&P::resources, &P::Resources::pids_max), 0, 4194304),
      rlimit("core", true, TiB),
      rlimit("fsize", true, 64 * TiB),
      rlimit("memlock", true, TiB),
      rlimit("msgqueue", true, TiB),
      rlimit("nofile", false, 1048576),
      rlimit("sigpending", false, 1048576),
      rlimit("stack", true, TiB),

      duration("time.startup", at(&P::time, &P::Time::startup), Millis(100), hours(1)),
      duration("time.block", at(&P::time, &P::Time::block), Millis(10), hours(24)),
      duration("time.cpu", at(&P::time, &P::Time::cpu), Millis(10), hours(24)),
      duration("time.idle", at(&P::time, &P::Time::idle), Millis(1000), hours(720)),
      duration("time.session", at(&P::time, &P::Time::session), Millis(1000), hours(720)),
      duration("time.kill_grace", at(&P::time, &P::Time::kill_grace), Millis(0), Millis(60000)),

      size("input.max_bytes", at(&P::input, &P::Input::max_bytes), 1, 15 * MiB),
      whole("input.max_depth", at(&P::input, &P::Input::max_depth), 1, 1000),

      size("output.stdout.max_bytes", at(&P::output, &P::Output::stdout_max_bytes), 0, GiB),
      size("output.stderr.max_bytes", at(&P::output, &P::Output::stderr_max_bytes), 0, GiB),
      size("output.total.max_bytes", at(&P::output, &P::Output::total_max_bytes), KiB, 64 * TiB),
      choice("output.on_exceed", at(&P::output, &P::Output::on_exceed), {"truncate", "kill"}),
      size("output.value.max_bytes", at(&P::output, &P::Output::value_max_bytes), KiB, 15 * MiB),
      size("output.display.max_bytes", at(&P::output, &P::Output::display_max_bytes), KiB,
           15 * MiB),

      list("python.preload", [](P& policy) -> auto& { return policy.python.preload; }),
      map("python.aliases", [](P& policy) -> auto& { return policy.python.aliases; }),
      choice("python.guidance", at(&P::python, &P::Python::guidance), {"refuse", "record", "off"}),
      map("python.deny", [](P& policy) -> auto& { return policy.python.deny; }),
      map("python.events", [](P& policy) -> auto& { return policy.python.events; }),

      map("env", [](P& policy) -> auto& { return policy.env; }),

      whole("session.checkpoints", at(&P::session, &P::SessionRules::checkpoints), 0, 64),
      choice("session.strays", at(&P::session, &P::SessionRules::strays), {"kill", "keep"}),

      list("tools.allow", [](P& policy) -> auto& { return policy.tools.allow; }),
      list("tools.deny", [](P& policy) -> auto& { return policy.tools.deny; }),
      whole("tools.max_calls", at(&P::tools, &P::Tools::max_calls), 0, 1000000),
  };
}

}  // namespace

const std::vector<Field>& policy_fields() {
  static const auto fields = make_fields();
  return fields;
}

const Field* find_field(std::string_view path) {
  const auto& fields = policy_fields();
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [path](const auto& field) { return field.path == path; });
  return found == fields.end() ? nullptr : &*found;
}

std::string yaml_text(std::string_view text) {
  const auto plain = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '.' || letter == '/' ||
           letter == '-';
  };
  const bool bare = !text.empty() && text != "null" && text != "Null" && text != "NULL" &&
                    text[0] != '-' && std::all_of(text.begin(), text.end(), plain);
  return bare ? std::string(text)
              : nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace caisson
