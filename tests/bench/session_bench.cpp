// What a session costs: one line a row, with the ratio to what people use otherwise, measured in
// the same run. Absolute times say little on a shared machine; the ratios say more.
//
//   session_bench [--backend runc|docker] [--image IMAGE] [--blocks N] [--starts N] [--sessions N]
//                 [--only latency|checkpoints|starts|memory]
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <vector>

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

struct Flags {
  std::string backend = "runc";
  std::string image = "python";
  int blocks = 2000;
  int starts = 10;
  int sessions = 50;  // of the memory row
  std::string only;   // latency, checkpoints, starts, memory; empty: all
};

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

CheckedPolicy policy_with(const std::string& name, std::uint32_t checkpoints,
                          std::vector<std::string> preload = {}) {
  auto policy = load_policy(name).value();
  policy.session.checkpoints = checkpoints;
  policy.python.preload = std::move(preload);
  auto compiled = compile(policy).value();
  return {std::move(policy), std::move(compiled)};
}

using Body = std::function<asio::awaitable<void>(Session&)>;

asio::awaitable<void> with_session(App& app, CheckedPolicy policy, Body body) {
  auto sandbox = co_await app.start_sandbox(std::move(policy), Deadline::after(1min));
  if (!sandbox) throw Fault(sandbox.error().message);
  {
    auto session =
        co_await (*sandbox)->open_session(nlohmann::json::object(), Deadline::after(1min));
    co_await body(**session);
  }
  co_await (*sandbox)->close(Deadline::after(20s));
}

// `pause` between them, which is not counted.
asio::awaitable<Times> blocks_in_a_session(App& app, CheckedPolicy policy, const std::string& heap,
                                           int blocks, Clock::duration pause = {}) {
  Times times;
  co_await with_session(app, std::move(policy), [&](Session& session) -> asio::awaitable<void> {
    co_await run_one(session, heap + "\nx = 1");
    for (int i = 0; i < blocks; ++i) {
      if (pause > Clock::duration{}) co_await sleep_for(pause);
      const auto start = Clock::now();
      co_await run_one(session, "x+1");
      times.add(Clock::now() - start);
    }
  });
  co_return times;
}

// From a block's deadline to the answer of the block after it, less the grace that the policy
// gives.
asio::awaitable<Times> rollbacks(App& app, int times_over) {
  Times times;
  auto policy = policy_with("strict", 1);
  const auto grace = policy.policy.time.kill_grace;
  co_await with_session(app, std::move(policy), [&](Session& session) -> asio::awaitable<void> {
    co_await run_one(session, "import signal\nx = 1");
    for (int i = 0; i < times_over; ++i) {
      NullSink sink;
      NoTools tools;
      Block block;
      block.code = "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\nwhile True: pass";
      block.wall = 100ms;
      const auto start = Clock::now();
      const auto outcome =
          co_await session.execute(std::move(block), Deadline::after(1min), sink, tools);
      if (!outcome || outcome->state.change != StateChange::rolled_back)
        throw Fault("the block was not rolled back");
      co_await run_one(session, "x+1");
      times.add(Clock::now() - start - 100ms - grace);
    }
  });
  co_return times;
}

asio::awaitable<Times> branches(App& app, const std::string& heap, int times_over) {
  Times times;
  co_await with_session(app, policy_with("strict", 1),
                        [&](Session& session) -> asio::awaitable<void> {
                          co_await run_one(session, heap);
                          for (int i = 0; i < times_over; ++i) {
                            co_await sleep_for(20ms);
                            const auto start = Clock::now();
                            auto branch = co_await session.branch(Deadline::after(10s));
                            if (!branch) throw Fault(branch.error().message);
                            times.add(Clock::now() - start);
                            (*branch)->close();
                          }
                        });
  co_return times;
}

// Proportional set size of this process and all below it, in MB.
double tree_megabytes(const std::vector<int>& roots) {
  double kilobytes = 0;
  std::multimap<int, int> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos) continue;  // "self"
    std::string text;
    std::getline(std::ifstream(entry.path() / "stat"), text);
    const auto end = text.rfind(')');
    char state = 0;
    int parent = 0;
    if (end == text.npos || std::sscanf(text.c_str() + end + 1, " %c %d", &state, &parent) != 2)
      continue;
    children.emplace(parent, std::stoi(name));
  }
  auto pending = roots;
  while (!pending.empty()) {
    const int pid = pending.back();
    pending.pop_back();
    std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", pid));
    for (std::string line; std::getline(rollup, line);) {
      double value = 0;
      if (std::sscanf(line.c_str(), "Pss: %lf", &value) == 1) kilobytes += value;
    }
    const auto [first, last] = children.equal_range(pid);
    for (auto at = first; at != last; ++at) pending.push_back(at->second);
  }
  return kilobytes / 1024;
}

// Our inits: processes with that program.
std::vector<int> inits() {
  std::vector<int> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::string line;
    std::getline(std::ifstream(entry.path() / "cmdline"), line);
    if (line.starts_with("/caisson/init"))
      pids.push_back(std::atoi(entry.path().filename().c_str()));
  }
  return pids;
}

asio::awaitable<double> megabytes_per_session(App& app, int sessions) {
  const auto before = inits();
  std::vector<std::unique_ptr<Sandbox>> sandboxes;
  std::vector<std::unique_ptr<Session>> live;
  auto policy = policy_with("strict", 1, {"numpy"});
  // Admission counts what they may use; fifty of them are to fit into a laptop.
  policy.policy.resources.memory_max_bytes = 256 << 20;
  policy.compiled = compile(policy.policy).value();
  for (int i = 0; i < sessions; ++i) {
    auto made = co_await app.start_sandbox(policy, Deadline::after(1min));
    if (!made) {
      fmt::print("only {} sessions: {}\n", i, made.error().message);
      break;
    }
    sandboxes.push_back(std::move(*made));
    auto session =
        co_await sandboxes.back()->open_session(nlohmann::json::object(), Deadline::after(1min));
    if (!session) {
      fmt::print("only {} sessions: {}\n", i, session.error().message);
      break;
    }
    live.push_back(std::move(*session));
    co_await run_one(*live.back(), "x = 1");
  }
  co_await sleep_for(500ms);
  auto roots = inits();
  std::erase_if(roots, [&before](int pid) {
    return std::find(before.begin(), before.end(), pid) != before.end();
  });
  const double megabytes = tree_megabytes(roots) / static_cast<double>(sandboxes.size());
  live.clear();
  for (auto& sandbox : sandboxes) co_await sandbox->close(Deadline::after(20s));
  co_return megabytes;
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

// From asking a warm pool for a session to its first answer.
asio::awaitable<Times> warm_starts(App& app, int starts) {
  auto& all = *(co_await app.manager(Deadline::after(1min))).value();
  PoolSettings settings;
  settings.size = 4;
  (co_await app.keep_warm(policy_with("strict", 1), settings, Deadline::after(1min))).value();
  Times times;
  for (int i = 0; i < starts; ++i) {
    // Full, so that none is being started meanwhile.
    for (int j = 0; all.warm() < settings.size && j < 6000; ++j) co_await sleep_for(10ms);
    co_await sleep_for(50ms);
    auto policy = policy_with("strict", 1);
    const auto start = Clock::now();
    auto lease = co_await app.lease(std::move(policy), Deadline::after(1min));
    if (!lease) throw Fault(lease.error().message);
    co_await run_one(lease->session(), "1+1");
    times.add(Clock::now() - start);
  }
  co_await all.close();
  co_return times;
}

// Python behind a unix socket and nothing else, asked by blocking system calls.
Times bare_worker(const std::filesystem::path& directory, int blocks) {
  const auto path = directory / "bare.sock";
  std::filesystem::remove(path);
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

// Median of a Jupyter kernel, 0 when there is none here.
asio::awaitable<double> jupyter() {
  Command command;
  command.argv = {"/usr/bin/python3",
                  std::string(CAISSON_SOURCE_DIR) + "/tests/bench/jupyter_latency.py", "300"};
  const auto done = co_await run(std::move(command), Deadline::after(2min));
  double p50 = 0;
  double p99 = 0;
  if (!done || std::sscanf(done->out.c_str(), "%lf %lf", &p50, &p99) != 2) {
    fmt::print("{:<44} {}\n", "Jupyter kernel by jupyter_client",
               done ? done->out : done.error().message);
    co_return 0;
  }
  row("Jupyter kernel by jupyter_client, 1+1", p50, p99);
  co_return p50;
}

asio::awaitable<void> latency_rows(App& app, const Flags& flags,
                                   const std::filesystem::path& directory) {
  const double kernel = co_await jupyter();
  for (const char* policy : {"strict", "standard"}) {
    auto bare = bare_worker(directory, flags.blocks);
    row("bare Python behind a bare unix socket, 1+1", bare.at(0.5), bare.at(0.99));
    auto times = co_await blocks_in_a_session(app, policy_with(policy, 0), "", flags.blocks);
    row(fmt::format("execute(\"x+1\"), {}, {}", flags.backend, policy), times.at(0.5),
        times.at(0.99));
    bar("against the bare worker", times.at(0.5) / bare.at(0.5), "x", 3);
    if (kernel > 0) bar("Jupyter against it", kernel / times.at(0.5), "x", 25, true);
    auto kept = co_await blocks_in_a_session(app, policy_with(policy, 1), "", flags.blocks);
    row("  with checkpoints, back to back", kept.at(0.5), kept.at(0.99));
    if (kernel > 0) bar("Jupyter against it", kernel / kept.at(0.5), "x", 25, true);
  }
}

asio::awaitable<void> checkpoint_rows(App& app, const Flags& flags) {
  const std::pair<const char*, const char*> heaps[] = {
      {"empty heap", ""},
      {"a list of 5 million", "data = list(range(5 * 10**6))"},
      {"an array of 200 MB", "import numpy\ndata = numpy.ones(25 * 10**6)"},
  };
  const int blocks = std::max(20, flags.blocks / 20);
  for (const auto& [name, code] : heaps) {
    auto without = co_await blocks_in_a_session(app, policy_with("strict", 0), code, blocks, 20ms);
    auto with = co_await blocks_in_a_session(app, policy_with("strict", 1), code, blocks, 20ms);
    row(fmt::format("20 ms between blocks, {}", name), without.at(0.5), without.at(0.99));
    row("  with checkpoints", with.at(0.5), with.at(0.99));
    bar("more, p50", (with.at(0.5) - without.at(0.5)) / 1000, "ms", 1.2);
  }
  auto back = co_await rollbacks(app, 10);
  row("deadline to the next block's answer, less grace", back.at(0.5), back.at(0.99));
  bar("p50", back.at(0.5) / 1000, "ms", 20);
  auto branch = co_await branches(app, "data = bytearray(100 << 20)", 20);
  row("branch of a session with a heap of 100 MB", branch.at(0.5), branch.at(0.99));
  bar("p50", branch.at(0.5) / 1000, "ms", 10);
}

asio::awaitable<void> start_rows(App& app, const Flags& flags,
                                 const std::filesystem::path& directory) {
  const auto& config = app.config();
  std::vector<std::string> direct;
  co_await cold_starts(app, "strict", 1);  // a daemon has the image then
  if (flags.backend == "docker") {
    Command command;
    command.argv = {"docker", "images", "--format", "{{.ID}}", "caisson/" + flags.image};
    const auto ids = (co_await run(std::move(command), Deadline::after(1min))).value().out;
    direct = {"docker",  "run", "--rm",    "--network", "none", ids.substr(0, ids.find('\n')),
              "python3", "-c",  "print(2)"};
  } else {
    direct = {"sh", (std::filesystem::path(CAISSON_SOURCE_DIR) / "tests/bench/runc_run").string(),
              (config.state_dir / "images" / flags.image / "rootfs").string(), directory.string()};
  }
  for (const char* policy : {"strict", "standard"}) {
    auto reference = co_await commands(direct, flags.starts);
    row(flags.backend + " run of a Python that prints", reference.at(0.5), reference.at(0.99));
    auto cold = co_await cold_starts(app, policy, flags.starts);
    row(fmt::format("cold session to its first answer, {}", policy), cold.at(0.5), cold.at(0.99));
    bar("against " + flags.backend + " run", cold.at(0.5) / reference.at(0.5), "x",
        flags.backend == "docker" ? 1.25 : 1.5);
  }
}

asio::awaitable<void> bench(Flags flags, std::filesystem::path directory) {
  auto config = config_from_environment();
  config.backend = flags.backend;
  config.image = flags.image;
  config.guest_dir = std::filesystem::path(CAISSON_BINARY_DIR) / "guest";
  App app(config);
  const auto wants = [&flags](std::string_view what) {
    return flags.only.empty() || flags.only == what;
  };
  if (wants("latency")) co_await latency_rows(app, flags, directory);
  if (wants("checkpoints")) co_await checkpoint_rows(app, flags);
  if (wants("starts")) co_await start_rows(app, flags, directory);
  if (wants("starts")) {
    auto warm = co_await warm_starts(app, flags.starts);
    row("session from the warm pool to its first answer", warm.at(0.5), warm.at(0.99));
    bar("p50", warm.at(0.5) / 1000, "ms", 3);
  }
  if (wants("memory")) {
    bar(fmt::format("idle session with numpy, PSS, mean of {}", flags.sessions),
        co_await megabytes_per_session(app, flags.sessions), "MB", 22);
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
    if (flag == "--only") flags.only = argv[i + 1];
    if (flag == "--sessions") flags.sessions = std::stoi(argv[i + 1]);
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
