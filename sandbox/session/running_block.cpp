#include "sandbox/session/running_block.h"

#include <errno.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "sandbox/base/json.h"
#include "sandbox/policy/denial.h"

namespace caisson {

using nlohmann::json;
using wire::Ending;
using wire::Type;

namespace {

// A block may display many plots and call many tools, but not without end: what the host keeps for
// it is bounded here, whatever the guest does.
constexpr std::size_t max_displays = 64;
constexpr std::size_t max_displays_bytes = wire::max_message;
constexpr std::size_t max_waiting_calls = 64;
constexpr std::size_t max_waiting_bytes = wire::max_message;
constexpr std::size_t max_files = 1000;

StateChange state_change(wire::Left left) {
  switch (left) {
    case wire::Left::committed:
      return StateChange::committed;
    case wire::Left::rolled_back:
      return StateChange::rolled_back;
    case wire::Left::unchanged:
      return StateChange::unchanged;
    case wire::Left::lost:
      return StateChange::lost;
  }
  return StateChange::lost;
}

std::string why_no_checkpoint(std::uint32_t error) {
  switch (error) {
    case EAGAIN:
      return "the session has as many processes as the policy lets it have (resources.pids.max)";
    case ENOMEM:
      return "there was no memory for it";
    case ETIMEDOUT:
      return "its process took longer than 3 s to be copied";
    default:
      return fmt::format("its process could not be copied ({})",
                         std::strerror(static_cast<int>(error)));
  }
}

std::string seconds(std::chrono::microseconds time) {
  return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1e6);
}

}  // namespace

RunningBlock::RunningBlock(boost::asio::any_io_executor executor, std::uint64_t block,
                           const Policy& policy, const CompiledPolicy& compiled, OutputSink& sink,
                           ToolHost& tools, Send send)
    : policy_(policy),
      sink_(sink),
      tools_(tools),
      send_(std::move(send)),
      calls_(executor),
      end_(executor),
      denials_(policy, compiled) {
  outcome_.block = block;
}

void RunningBlock::receive(Type type, std::string_view body) {
  if (ended_) return;
  if (type == Type::output) return receive_output(body);
  wire::BlockNumber number;
  auto rest = body;
  if (!wire::take(rest, number) || number.block != outcome_.block) return;
  switch (type) {
    case Type::display:
      return receive_display(rest);
    case Type::tool_call:
      return receive_call(rest);
    case Type::result:
      return receive_result(rest);
    case Type::denied: {
      wire::DeniedCall call;
      if (wire::take(body, call)) denials_.system_call(call);
      return;
    }
    case Type::changed: {
      wire::FileChanges changes;
      if (wire::take(body, changes)) receive_changes(changes, body);
      return;
    }
    case Type::finished: {
      wire::Finished finished;
      if (wire::take(body, finished)) receive_finished(finished);
      return;
    }
    default:
      return;
  }
}

void RunningBlock::receive_output(std::string_view body) {
  wire::Output output;
  if (!wire::take(body, output) || output.block != outcome_.block) return;
  auto& stream = output.stream == 2 ? outcome_.err : outcome_.out;
  const auto limit =
      output.stream == 2 ? policy_.output.stderr_max_bytes : policy_.output.stdout_max_bytes;
  if (output.tail == 0)
    sink_.output(output.stream == 2 ? OutputStream::err : OutputStream::out, body);
  // init keeps these limits; a guest that has been taken over might not.
  const auto room = limit - std::min<std::uint64_t>(limit, stream.head.size() + stream.tail.size());
  (output.tail == 0 ? stream.head : stream.tail).append(body.substr(0, room));
}

void RunningBlock::receive_display(std::string_view text) {
  const bool fits = outcome_.displays.size() < max_displays &&
                    text.size() <= max_displays_bytes - displays_bytes_;
  if (!fits) {
    outcome_.guarantees["displays"] =
        fmt::format("{} not kept: a block may show {} of them, {} MiB in all", ++displays_dropped_,
                    max_displays, max_displays_bytes >> 20);
    return;
  }
  auto bundle = parse_json(text);
  if (!bundle) return;
  displays_bytes_ += text.size();
  sink_.display(*bundle);
  outcome_.displays.push_back(std::move(*bundle));
}

void RunningBlock::receive_call(std::string_view text) {
  const auto request = parse_json(text);
  if (!request || !request->is_object()) return;
  ToolCall call;
  call.block = outcome_.block;
  const auto id = request->find("id");
  if (id != request->end() && id->is_number_unsigned()) call.id = id->get<std::uint64_t>();
  if (waiting_calls_ == max_waiting_calls || text.size() > max_waiting_bytes - waiting_bytes_) {
    return reply(call.id, Error(Errc::too_large,
                                fmt::format("too many calls at once: at most {} may wait for their "
                                            "answers, with {} MiB of arguments in all",
                                            max_waiting_calls, max_waiting_bytes >> 20)));
  }
  call.name = get_string(*request, "name");
  if (const auto why = explain_tool(policy_, call.name, ++calls_made_)) {
    denied(*why);
    return reply(call.id, Error(Errc::bad_policy, why->hint));
  }
  call.arguments = {{"args", request->value("args", json::array())},
                    {"kwargs", request->value("kwargs", json::object())}};
  // Counted here and not in answer(), which may start later than the next call arrives.
  ++waiting_calls_;
  waiting_bytes_ += text.size();
  calls_.start(answer(std::move(call), text.size()));
}

void RunningBlock::receive_result(std::string_view text) {
  const auto result = parse_json(text);
  if (!result || !result->is_object()) {
    result_problem_ = "Python's account of the block is not valid: " +
                      (result ? std::string("not an object") : result.error().message);
    return;
  }
  has_result_ = true;
  const auto status = get_string(*result, "status", "ok");
  if (status == "raised") outcome_.status = Status::raised;
  if (status == "interrupted") outcome_.status = Status::interrupted;
  if (status == "result_too_large") {
    outcome_.status = Status::result_too_large;
    outcome_.reason = fmt::format(
        "the value's text is longer than {} bytes: assign it to a name and print a part of it",
        policy_.output.value_max_bytes);
  }
  const auto value = result->find("value");
  if (value != result->end() && value->is_object()) outcome_.value = *value;
  const auto error = result->find("error");
  if (error != result->end() && error->is_object()) {
    outcome_.error = ExceptionInfo{get_string(*error, "type"), get_string(*error, "message"),
                                   get_string(*error, "traceback")};
  }
  const auto threads = result->find("threads");
  if (threads != result->end() && threads->is_number_unsigned()) {
    outcome_.guarantees["threads"] =
        fmt::format("{} of the session run on: a rollback ends them and does not bring them back",
                    threads->get<std::uint64_t>());
  }
  const auto refused = result->find("guidance");
  if (refused != result->end() && refused->is_array()) denials_.guidance(*refused);
  const auto failed = result->find("failed");
  if (failed != result->end() && failed->is_array()) denials_.failures(*failed);
  const auto loaded = result->find("loaded");
  if (loaded != result->end() && loaded->is_array()) outcome_.loaded = *loaded;
  // Only in a session that is watched (audit.h).
  const auto opened = result->find("opened");
  if (opened != result->end() && opened->is_array()) outcome_.report = {{"opened", *opened}};
  for (const char* kind : {"names", "save", "restore"}) {
    const auto report = result->find(kind);
    if (report != result->end() && report->is_object()) outcome_.report = *report;
  }
}

void RunningBlock::receive_finished(const wire::Finished& finished) {
  outcome_.out.total_bytes = finished.out_bytes;
  outcome_.err.total_bytes = finished.err_bytes;
  outcome_.usage = {std::chrono::microseconds(finished.wall_us),
                    std::chrono::microseconds(finished.cpu_us), finished.peak_bytes};
  outcome_.state = {state_change(finished.left), finished.checkpoint};
  if (finished.ending != Ending::finished) {
    // What init saw outranks what Python says.
    outcome_.value = nullptr;
  }
  switch (finished.ending) {
    case Ending::finished:
      if (!has_result_) {
        outcome_.status = Status::raised;
        outcome_.reason = result_problem_;
      }
      break;
    case Ending::interrupted:
      outcome_.status = Status::interrupted;
      outcome_.reason = "interrupted";
      break;
    case Ending::timeout_wall:
      outcome_.status = Status::timeout_wall;
      denials_.end(BlockLimit::wall, shortened_wall_);
      outcome_.reason =
          fmt::format("stopped after {}: its wall-clock limit", seconds(outcome_.usage.wall));
      break;
    case Ending::timeout_cpu:
      outcome_.status = Status::timeout_cpu;
      denials_.end(BlockLimit::cpu, shortened_cpu_);
      outcome_.reason =
          fmt::format("stopped after {} of CPU time: its limit", seconds(outcome_.usage.cpu));
      break;
    case Ending::out_of_memory:
      outcome_.status = Status::out_of_memory;
      denials_.end(BlockLimit::memory, false);
      outcome_.reason = fmt::format("killed for lack of memory: the code may use {} MiB",
                                    policy_.resources.memory_max_bytes >> 20);
      break;
    case Ending::signalled:
      outcome_.status = Status::signal;
      outcome_.signal = static_cast<int>(finished.detail);
      outcome_.reason = fmt::format("its process died of signal {}", finished.detail);
      break;
    case Ending::exited:
      outcome_.status = Status::exited;
      outcome_.exit_code = static_cast<int>(finished.detail);
      outcome_.reason = fmt::format("it ended its process with status {}", finished.detail);
      break;
    case Ending::output_limit:
      outcome_.status = Status::output_limit;
      denials_.end(BlockLimit::output, false);
      outcome_.reason = fmt::format("killed: it printed {} bytes, more than it may",
                                    finished.out_bytes + finished.err_bytes);
      break;
    case Ending::cancelled:
      outcome_.status = Status::cancelled;
      outcome_.reason = "given up by its caller";
      break;
    case Ending::protocol:
      outcome_.status = Status::signal;
      outcome_.signal = 9;
      outcome_.reason =
          "killed: it wrote to the worker's control socket (worker broke the protocol)";
      break;
  }
  if (finished.left == wire::Left::lost) {
    // init ends the sandbox, and says so while it still can.
    outcome_.status = Status::lost;
    outcome_.reason = "its sandbox was ended while it ran: its lifetime was over, or it was closed";
  }
  if (finished.strays_kept > 0) {
    outcome_.guarantees["processes"] = fmt::format(
        "{} started by this or an earlier block go on running: what they do is not rolled back",
        finished.strays_kept);
  }
  receive_notes(finished);
  ended_ = true;
  end_.notify();
}

void RunningBlock::receive_changes(const wire::FileChanges& changes, std::string_view bytes) {
  auto& files = outcome_.files;
  for (std::uint32_t i = 0; i < changes.entries; ++i) {
    wire::FileEntry entry;
    if (!wire::take(bytes, entry) || bytes.size() < entry.name_bytes) return;
    FileInfo file;
    file.name = bytes.substr(0, entry.name_bytes);
    file.size_bytes = entry.size;
    file.modified_us = entry.modified_us;
    bytes.remove_prefix(entry.name_bytes);
    if (files.made.size() + files.changed.size() + files.removed.size() >= max_files) return;
    (entry.change == 1   ? files.made
     : entry.change == 2 ? files.changed
                         : files.removed)
        .push_back(std::move(file));
  }
  files.more += changes.more;
  if (changes.unknown != 0) {
    outcome_.guarantees["files"] = "the list of changed files may not be complete";
  }
}

void RunningBlock::receive_notes(const wire::Finished& finished) {
  const auto noted = [&finished](wire::Note note) {
    return (finished.notes & static_cast<std::uint32_t>(note)) != 0;
  };
  if (noted(wire::Note::no_checkpoint)) {
    outcome_.guarantees["checkpoint"] =
        fmt::format("the state before this block was not kept as a checkpoint: {}",
                    why_no_checkpoint(finished.checkpoint_error));
  }
  if (noted(wire::Note::restored)) {
    outcome_.guarantees["restored"] =
        "the session's process had ended since the block before: its checkpoint took its place, "
        "without its threads, sockets and child processes";
  }
  if (finished.shared_bytes > 0) {
    outcome_.guarantees["shared_memory"] =
        fmt::format("{} KiB are mapped as shared: like a file they are not rolled back",
                    finished.shared_bytes >> 10);
  }
}

Outcome RunningBlock::take_outcome() {
  outcome_.denials = denials_.take();
  return std::move(outcome_);
}

boost::asio::awaitable<void> RunningBlock::answer(ToolCall call, std::size_t bytes) {
  const auto id = call.id;
  const auto result = co_await tools_.call(std::move(call));
  --waiting_calls_;
  waiting_bytes_ -= bytes;
  reply(id, result);
}

void RunningBlock::reply(std::uint64_t id, const Result<json>& result) {
  if (ended_) return;
  json message{{"id", id}};
  if (result) {
    message["value"] = *result;
  } else {
    message["error"] = result.error().message;
  }
  send_(Type::tool_result, to_text(message));
}

void RunningBlock::lose(const std::string& reason) {
  if (ended_) return;
  outcome_.status = Status::lost;
  outcome_.reason = reason;
  outcome_.value = nullptr;
  outcome_.state = {StateChange::lost, 0};
  outcome_.out.total_bytes = outcome_.out.head.size() + outcome_.out.tail.size();
  outcome_.err.total_bytes = outcome_.err.head.size() + outcome_.err.tail.size();
  ended_ = true;
  end_.notify();
}

boost::asio::awaitable<void> RunningBlock::wait(Deadline deadline) {
  if (!ended_) co_await end_.wait(deadline);
}

boost::asio::awaitable<void> RunningBlock::settle() {
  calls_.cancel();
  co_await calls_.join();
}

}  // namespace caisson
