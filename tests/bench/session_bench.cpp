// What a session costs: one line a row, with the ratio to what people use otherwise, measured in
// the same run. Absolute times say little on a shared machine; the ratios say more.
//
//   session_bench [--backend runc|docker] [--image IMAGE] [--blocks N] [--starts N]
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <vector>

#include "orchestrator/app/app.h"
#include "sandbox/base/async.h"
#include "sandbox/base/process.h"
#include "sandbox/session/session.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;
using Micros = std::chrono::duration<double, std::micro>;

struct Flags {
  std::string backend = "runc";
  std::string image = "python";
  int blocks = 2000;
  int starts = 10;
};

// Percentiles of one thing that was done many times.
class Times {
 public:
  void add(Clock::duration time) { times_.push_back(Micros(time).count()); }
  double at(double share) {
    std::sort(times_.begin(), times_.end());
    return times_.at(static_cast<std::size_t>(share * static_cast<double>(times_.size() - 1)));
  }

 private:
  std::vector<double> times_;
};

void row(const std::string& what, double median_us, double p99_us, const std::string& against = "",
         double reference_us = 0) {
  fmt::print("{:<44} p50 {:>10.0f} us   p99 {:>10.0f} us", what, median_us, p99_us);
  if (reference_us > 0) {
    fmt::print("   {:>7.2f} x {}", median_us / reference_us, against);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

class NoTools final : public ToolHost {
 public:
  asio::awaitable<Result<nlohmann::json>> call(ToolCall) override {
    co_return Error(Errc::not_found, "no tools");
  }
};

asio::awaitable<void> run_one(Session& session, const std::string& code) {
  NullSink sink;
  NoTools tools;
  Block block;
  block.code = code;
  const auto outcome =
      co_await session.execute(std::move(block), Deadline::after(1min), sink, tools);
  if (!outcome || outcome->status != Status::ok) throw Fault("a block of the benchmark failed");
}

asio::awaitable<Times> blocks_in_a_session(App& app, const std::string& policy, int blocks) {
  Times times;
  auto checked = load_checked_policy(policy);
  auto sandbox = co_await app.start_sandbox(std::move(checked).value(), Deadline::after(1min));
  if (!sandbox) throw Fault(sandbox.error().message);
  {
    auto session =
        co_await (*sandbox)->open_session(nlohmann::json::object(), Deadline::after(1min));
    co_await run_one(**session, "x = 1");
    for (int i = 0; i < blocks; ++i) {
      const auto start = Clock::now();
      co_await run_one(**session, "x+1");
      times.add(Clock::now() - start);
    }
  }
  co_await (*sandbox)->close(Deadline::after(20s));
  co_return times;
}

// From nothing to the first block's answer.
asio::awaitable<Times> cold_starts(App& app, const std::string& policy, int starts) {
  Times times;
  for (int i = 0; i < starts; ++i) {
    auto checked = load_checked_policy(policy);
    const auto start = Clock::now();
    auto sandbox = co_await app.start_sandbox(std::move(checked).value(), Deadline::after(1min));
    if (!sandbox) throw Fault(sandbox.error().message);
    {
      auto session =
          co_await (*sandbox)->open_session(nlohmann::json::object(), Deadline::after(1min));
      co_await run_one(**session, "1+1");
    }
    times.add(Clock::now() - start);
    co_await (*sandbox)->close(Deadline::after(20s));
  }
  co_return times;
}

// Python behind a unix socket and nothing else, asked by blocking system calls.
Times bare_worker(const std::filesystem::path& directory, int blocks) {
  const auto path = directory / "bare.sock";
  int ready[2];
  if (::pipe(ready) != 0) throw Fault("pipe");
  Command command;
  command.argv = {"/usr/bin/python3",
                  std::string(CAISSON_SOURCE_DIR) + "/tests/bench/bare_worker.py", path.string()};
  command.out = ready[1];
  auto child = spawn(command).value();
  ::close(ready[1]);
  char word[16];
  if (::read(ready[0], word, sizeof word) <= 0) throw Fault("the bare worker did not start");
  const OwnedFd keep(ready[0]);  // it would fail to write the rest of its line
  const OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw Fault("connect");
  Times times;
  for (int i = 0; i < blocks; ++i) {
    const auto start = Clock::now();
    char answer[64];
    if (::write(socket.get(), "1+1", 3) != 3 || ::read(socket.get(), answer, sizeof answer) != 1)
      throw Fault("talk");
    times.add(Clock::now() - start);
  }
  return times;
}

// A command, run to its end several times.
asio::awaitable<Times> commands(std::vector<std::string> argv, int starts) {
  Times times;
  for (int i = 0; i < starts; ++i) {
    Command command;
    command.argv = argv;
    const auto start = Clock::now();
    const auto done = co_await run(std::move(command), Deadline::after(1min));
    if (!done || !done->status.ok())
      throw Fault("'" + argv[0] + "' failed: " + (done ? done->err : done.error().message));
    times.add(Clock::now() - start);
  }
  co_return times;
}

asio::awaitable<void> jupyter(double median_us) {
  Command command;
  command.argv = {"/usr/bin/python3",
                  std::string(CAISSON_SOURCE_DIR) + "/tests/bench/jupyter_latency.py", "300"};
  const auto done = co_await run(std::move(command), Deadline::after(2min));
  double p50 = 0;
  double p99 = 0;
  if (!done || std::sscanf(done->out.c_str(), "%lf %lf", &p50, &p99) != 2) {
    fmt::print("{:<44} {}\n", "Jupyter kernel by jupyter_client",
               done ? done->out : done.error().message);
    co_return;
  }
  row("Jupyter kernel by jupyter_client, 1+1", p50, p99);
  fmt::print("{:<44} {:.0f} times faster than the Jupyter kernel\n", "", p50 / median_us);
}

asio::awaitable<void> bench(Flags flags, std::filesystem::path directory) {
  auto config = config_from_environment();
  config.backend = flags.backend;
  config.image = flags.image;
  config.guest_dir = std::filesystem::path(CAISSON_BINARY_DIR) / "guest";
  App app(config);
  auto bare = bare_worker(directory, flags.blocks);
  row("bare Python behind a bare unix socket, 1+1", bare.at(0.5), bare.at(0.99));
  for (const char* policy : {"strict", "standard"}) {
    auto times = co_await blocks_in_a_session(app, policy, flags.blocks);
    row(fmt::format("execute(\"x+1\"), {}, {}", flags.backend, policy), times.at(0.5),
        times.at(0.99), "the bare worker", bare.at(0.5));
    if (std::string_view(policy) == "standard") co_await jupyter(times.at(0.5));
  }
  std::vector<std::string> direct;
  if (flags.backend == "docker") {
    direct = {"docker",  "run", "--rm",    "--network", "none", "caisson/python:latest",
              "python3", "-c",  "print(2)"};
  } else {
    direct = {"sh", (std::filesystem::path(CAISSON_SOURCE_DIR) / "tests/bench/runc_run").string(),
              (config.state_dir / "images" / flags.image / "rootfs").string(), directory.string()};
  }
  auto reference = co_await commands(direct, flags.starts);
  row(flags.backend + " run of a Python that prints", reference.at(0.5), reference.at(0.99));
  for (const char* policy : {"strict", "standard"}) {
    auto cold = co_await cold_starts(app, policy, flags.starts);
    row(fmt::format("cold session to its first answer, {}", policy), cold.at(0.5), cold.at(0.99),
        flags.backend + " run", reference.at(0.5));
  }
}

}  // namespace
}  // namespace caisson

int main(int argc, char** argv) {
  caisson::Flags flags;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--backend") flags.backend = argv[i + 1];
    if (flag == "--image") flags.image = argv[i + 1];
    if (flag == "--blocks") flags.blocks = std::stoi(argv[i + 1]);
    if (flag == "--starts") flags.starts = std::stoi(argv[i + 1]);
  }
  std::string directory = "/tmp/caisson-bench-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  int status = 0;
  try {
    caisson::test::run_coro(caisson::bench(flags, directory));
  } catch (const std::exception& error) {
    fmt::print(stderr, "session_bench: {}\n", error.what());
    status = 1;
  }
  std::filesystem::remove_all(directory);
  return status;
}
