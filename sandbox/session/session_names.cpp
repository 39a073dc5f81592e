// The questions about a session's names: blocks without code, whose answer is a report.
#include <fmt/format.h>

#include "sandbox/session/names.h"
#include "sandbox/session/session.h"

namespace caisson {

using nlohmann::json;

namespace {

// Code of the user may run while its objects are saved, but its calls of the host lead nowhere.
class NoTools final : public ToolHost {
 public:
  boost::asio::awaitable<Result<json>> call(ToolCall call) override {
    co_return Error(
        Errc::unsupported,
        fmt::format("the tool '{}' cannot be called while names are saved or restored", call.name));
  }
};

Errc code_of(const Outcome& outcome) {
  switch (outcome.status) {
    case Status::timeout_wall:
    case Status::timeout_cpu:
    case Status::cancelled:
      return Errc::timed_out;
    case Status::out_of_memory:
    case Status::output_limit:
      return Errc::too_large;
    case Status::lost:
      return Errc::closed;
    case Status::raised:
      if (!outcome.error) return Errc::protocol;
      if (outcome.error->type == "FileNotFoundError") return Errc::not_found;
      if (outcome.error->type == "StateError") return Errc::bad_input;
      if (outcome.error->type == "MemoryError") return Errc::too_large;
      return Errc::io;
    default:
      return Errc::io;
  }
}

Error problem_of(const Outcome& outcome) {
  if (outcome.error) {
    const auto& [type, message, traceback] = *outcome.error;
    return Error(code_of(outcome), type == "StateError" ? message : type + ": " + message);
  }
  return Error(code_of(outcome),
               outcome.reason.empty() ? std::string(name(outcome.status)) : outcome.reason);
}

}  // namespace

boost::asio::awaitable<Result<json>> Session::ask(Block::Kind kind, json request,
                                                  Deadline deadline) {
  Block block;
  block.kind = kind;
  block.request = std::move(request);
  NullSink sink;
  NoTools tools;
  auto outcome = co_await execute(std::move(block), deadline, sink, tools);
  if (!outcome) co_return outcome.error();
  if (outcome->status != Status::ok) co_return problem_of(*outcome);
  co_return std::move(outcome->report);
}

boost::asio::awaitable<Result<json>> Session::names(Deadline deadline) {
  const auto report = co_await ask(Block::Kind::names, true, deadline);
  if (!report) co_return report.error();
  co_return checked_names(*report);
}

boost::asio::awaitable<Result<StateReport>> Session::save(
    std::string path, std::optional<std::vector<std::string>> names, Deadline deadline) {
  json request{{"path", std::move(path)}, {"names", nullptr}};
  if (names) request["names"] = std::move(*names);
  const auto report = co_await ask(Block::Kind::save, std::move(request), deadline);
  if (!report) co_return report.error();
  co_return parse_state_report(*report, "saved");
}

boost::asio::awaitable<Result<StateReport>> Session::restore(std::string path, Deadline deadline) {
  const auto report = co_await ask(Block::Kind::restore, json{{"path", std::move(path)}}, deadline);
  if (!report) co_return report.error();
  co_return parse_state_report(*report, "restored");
}

}  // namespace caisson
