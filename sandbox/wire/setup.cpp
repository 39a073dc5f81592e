#include "sandbox/wire/setup.h"

#include "sandbox/wire/frame.h"

namespace caisson::wire {
namespace {

enum Tag : std::uint16_t {
  tag_argv = 1,
  tag_env,
  tag_working_dir,
  tag_worker_config,
  tag_rlimit,
  tag_limits,
  tag_inner_filter,
  tag_call,
  tag_requirements,
  tag_landlock,
  tag_landlock_rule,
  tag_landlock_port,
};

struct FieldHeader {
  std::uint16_t tag = 0;
  std::uint16_t reserved = 0;
  std::uint32_t length = 0;
};

struct Requirements {
  std::uint32_t landlock = 0;
  std::uint32_t notify = 0;
};

struct Handled {
  std::uint64_t fs = 0;
  std::uint64_t net = 0;
  std::uint64_t scoped = 0;
};

void put(std::string& out, Tag tag, std::string_view first, std::string_view second = {}) {
  const FieldHeader field{tag, 0, static_cast<std::uint32_t>(first.size() + second.size())};
  out.append(bytes_of(field)).append(first).append(second);
}

}  // namespace

std::string encode(const Setup& setup) {
  std::string out;
  for (const auto& word : setup.argv) put(out, tag_argv, word);
  for (const auto& entry : setup.env) put(out, tag_env, entry);
  put(out, tag_working_dir, setup.working_dir);
  put(out, tag_worker_config, setup.worker_config);
  for (const auto& limit : setup.rlimits) put(out, tag_rlimit, bytes_of(limit));
  put(out, tag_limits, bytes_of(setup.limits));
  put(out, tag_inner_filter, setup.inner_filter);
  for (const auto& call : setup.calls) put(out, tag_call, bytes_of(call));
  put(out, tag_requirements,
      bytes_of(Requirements{setup.landlock_required, setup.notify_required}));
  put(out, tag_landlock,
      bytes_of(Handled{setup.landlock_fs, setup.landlock_net, setup.landlock_scoped}));
  for (const auto& rule : setup.landlock_rules) {
    put(out, tag_landlock_rule, bytes_of(rule.access), rule.path);
  }
  for (const auto& port : setup.landlock_ports) put(out, tag_landlock_port, bytes_of(port));
  return out;
}

bool decode(std::string_view bytes, Setup& setup) {
  setup = Setup{};
  while (!bytes.empty()) {
    FieldHeader field;
    if (!take(bytes, field) || field.length > bytes.size()) return false;
    auto value = bytes.substr(0, field.length);
    bytes.remove_prefix(field.length);
    bool whole = true;
    switch (field.tag) {
      case tag_argv:
        setup.argv.emplace_back(value);
        break;
      case tag_env:
        setup.env.emplace_back(value);
        break;
      case tag_working_dir:
        setup.working_dir = value;
        break;
      case tag_worker_config:
        setup.worker_config = value;
        break;
      case tag_rlimit:
        whole = take(value, setup.rlimits.emplace_back());
        break;
      case tag_limits:
        whole = take(value, setup.limits);
        break;
      case tag_inner_filter:
        setup.inner_filter = value;
        break;
      case tag_call:
        whole = take(value, setup.calls.emplace_back());
        break;
      case tag_requirements: {
        Requirements requirements;
        whole = take(value, requirements);
        setup.landlock_required = requirements.landlock;
        setup.notify_required = requirements.notify;
        break;
      }
      case tag_landlock: {
        Handled handled;
        whole = take(value, handled);
        setup.landlock_fs = handled.fs;
        setup.landlock_net = handled.net;
        setup.landlock_scoped = handled.scoped;
        break;
      }
      case tag_landlock_rule: {
        auto& rule = setup.landlock_rules.emplace_back();
        whole = take(value, rule.access);
        rule.path = value;
        break;
      }
      case tag_landlock_port:
        whole = take(value, setup.landlock_ports.emplace_back());
        break;
      default:
        return false;
    }
    if (!whole) return false;
  }
  return !setup.argv.empty();
}

}  // namespace caisson::wire
