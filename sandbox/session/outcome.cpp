#include "sandbox/session/outcome.h"

#include <fmt/format.h>

namespace caisson {

using nlohmann::json;

std::string_view name(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::raised:
      return "raised";
    case Status::interrupted:
      return "interrupted";
    case Status::timeout_wall:
      return "timeout_wall";
    case Status::timeout_cpu:
      return "timeout_cpu";
    case Status::out_of_memory:
      return "out_of_memory";
    case Status::signal:
      return "signal";
    case Status::exited:
      return "exited";
    case Status::output_limit:
      return "output_limit";
    case Status::result_too_large:
      return "result_too_large";
    case Status::denied:
      return "denied";
    case Status::cancelled:
      return "cancelled";
    case Status::lost:
      return "lost";
  }
  return "lost";
}

std::string_view name(StateChange change) {
  switch (change) {
    case StateChange::committed:
      return "committed";
    case StateChange::rolled_back:
      return "rolled_back";
    case StateChange::unchanged:
      return "unchanged";
    case StateChange::lost:
      return "lost";
  }
  return "lost";
}

std::string_view what_it_is(const Denial& denial) {
  for (const std::string_view limit : {"rlimit", "cgroup", "clock", "memory", "output"}) {
    if (denial.layer == limit) return "limit";
  }
  // Input checks have no error of the system.
  return denial.error.empty() && denial.layer != "input" ? "noticed" : "denied";
}

std::string Stream::text() const {
  if (!truncated()) return head + tail;
  const auto missing = total_bytes - head.size() - tail.size();
  return fmt::format("{}\n[… {} of {} bytes not kept …]\n{}", head, missing, total_bytes, tail);
}

namespace {

json to_json(const Outcome::Files& files) {
  const auto sized = [](const std::vector<FileInfo>& list) {
    auto all = json::array();
    for (const auto& file : list) {
      all.push_back({{"name", shown_name(file.name)}, {"size", file.size_bytes}});
    }
    return all;
  };
  auto removed = json::array();
  for (const auto& file : files.removed) removed.push_back(shown_name(file.name));
  return {{"new", sized(files.made)},
          {"changed", sized(files.changed)},
          {"removed", removed},
          {"more", files.more}};
}

json counts(const Stream& stream) {
  return {{"bytes", stream.total_bytes}, {"truncated", stream.truncated()}};
}

json to_json(const Denial& denial) {
  return {{"id", denial.id},       {"layer", denial.layer}, {"subject", denial.subject},
          {"error", denial.error}, {"rule", denial.rule},   {"hint", denial.hint},
          {"count", denial.count}};
}

double milliseconds(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000.0;
}

}  // namespace

json to_json(const Outcome& outcome) {
  json line;
  line["block"] = outcome.block;
  line["status"] = name(outcome.status);
  if (outcome.status == Status::signal) line["signal"] = outcome.signal;
  if (outcome.status == Status::exited) line["exit_code"] = outcome.exit_code;
  if (!outcome.reason.empty()) line["reason"] = outcome.reason;
  line["state"] = {{"change", name(outcome.state.change)},
                   {"checkpoint", outcome.state.checkpoint}};
  line["stdout"] = outcome.out.text();
  line["stderr"] = outcome.err.text();
  line["output"] = {{"stdout", counts(outcome.out)}, {"stderr", counts(outcome.err)}};
  line["value"] = outcome.value;
  line["error"] = nullptr;
  if (outcome.error) {
    line["error"] = {{"type", outcome.error->type},
                     {"message", outcome.error->message},
                     {"traceback", outcome.error->traceback}};
  }
  line["displays"] = outcome.displays;
  if (!outcome.report.is_null()) line["report"] = outcome.report;
  line["denials"] = json::array();
  for (const auto& denial : outcome.denials) line["denials"].push_back(to_json(denial));
  line["files"] = to_json(outcome.files);
  line["usage"] = {{"wall_ms", milliseconds(outcome.usage.wall)},
                   {"cpu_ms", milliseconds(outcome.usage.cpu)},
                   {"peak_memory_bytes", outcome.usage.peak_memory_bytes}};
  line["guarantees"] = outcome.guarantees;
  return line;
}

}  // namespace caisson
