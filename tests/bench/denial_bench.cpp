// What the filters cost: a system call that they let through, and one that is denied and explained,
// each as a ratio to the same on this host without a filter, in the same run.
//
//   denial_bench [--backend runc|docker]
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "orchestrator/app/app.h"
#include "sandbox/base/async.h"
#include "sandbox/base/process.h"
#include "sandbox/policy/parse.h"
#include "sandbox/session/session.h"
#include "tests/bench/rows.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

constexpr int rounds = 5;

struct CallTimes {
  double allowed_ns = 0;
  double by_ctypes_ns = 0;
  double denied_ns = 0;
};

class NoTools final : public ToolHost {
 public:
  asio::awaitable<Result<nlohmann::json>> call(ToolCall) override {
    co_return Error(Errc::not_found, "no tools");
  }
};

CallTimes read_times(const std::string& text) {
  CallTimes times;
  if (std::sscanf(text.c_str(), "%lf %lf %lf", &times.allowed_ns, &times.by_ctypes_ns,
                  &times.denied_ns) != 3)
    throw Fault("call_times.py said: " + text);
  return times;
}

asio::awaitable<CallTimes> on_this_host(std::string script) {
  Command command;
  command.argv = {"/usr/bin/python3", std::move(script)};
  const auto done = co_await run(std::move(command), Deadline::after(1min));
  if (!done) throw Fault(done.error().message);
  co_return read_times(done->out);
}

asio::awaitable<CallTimes> in_a_session(Session& session, std::string code) {
  NullSink sink;
  NoTools tools;
  Block block;
  block.code = std::move(code);
  const auto outcome =
      co_await session.execute(std::move(block), Deadline::after(1min), sink, tools);
  if (!outcome || outcome->status != Status::ok) throw Fault("the block failed");
  co_return read_times(outcome->out.head);
}

asio::awaitable<void> bench(std::string backend) {
  auto config = config_from_environment();
  config.backend = std::move(backend);
  config.guest_dir = std::filesystem::path(CAISSON_BINARY_DIR) / "guest";
  App app(config);
  const auto script = std::string(CAISSON_SOURCE_DIR) + "/tests/bench/call_times.py";
  std::stringstream code;
  code << std::ifstream(script).rdbuf();
  for (const char* policy : {"strict", "standard"}) {
    auto sandbox =
        co_await app.start_sandbox(load_checked_policy(policy).value(), Deadline::after(1min));
    if (!sandbox) throw Fault(sandbox.error().message);
    Times allowed, free, denied, plain;
    {
      auto session =
          co_await (*sandbox)->open_session(nlohmann::json::object(), Deadline::after(1min));
      for (int i = 0; i < rounds; ++i) {
        const auto here = co_await on_this_host(script);
        const auto there = co_await in_a_session(**session, code.str());
        free.add_us(here.allowed_ns / 1000);
        plain.add_us(here.by_ctypes_ns / 1000);
        allowed.add_us(there.allowed_ns / 1000);
        denied.add_us(there.denied_ns / 1000);
      }
    }
    co_await (*sandbox)->close(Deadline::after(20s));
    fmt::print("{}: getppid() {:.0f} ns on this host, {:.0f} ns in a session\n", policy,
               free.at(0.5) * 1000, allowed.at(0.5) * 1000);
    bar("an allowed call against the same without a filter", allowed.at(0.5) / free.at(0.5), "x",
        1.02);
    fmt::print("{}: ptrace() denied and explained {:.1f} us, {:.0f} x a call without a filter\n",
               policy, denied.at(0.5), denied.at(0.5) / plain.at(0.5));
    bar("a denied and explained call", denied.at(0.5), "us", 150);
  }
}

}  // namespace
}  // namespace caisson

int main(int argc, char** argv) {
  try {
    caisson::test::run_coro(caisson::bench(argc == 3 ? argv[2] : "runc"));
  } catch (const std::exception& error) {
    fmt::print(stderr, "denial_bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
