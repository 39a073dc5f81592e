// A sandbox that outlives the process that started it: leaving it, and going on with it.
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "sandbox/base/async.h"
#include "sandbox/container/spec.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/session.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

// For whoever looks for orphans: it has a directory for no longer than it takes to ask the backend.
constexpr auto look_time = 10s;
// What init may take to greet. It answers within milliseconds, unless the machine is overloaded.
constexpr auto greeting_time = 20s;

asio::awaitable<Result<SandboxDir>> take_directory(std::filesystem::path state_dir, std::string id,
                                                   Deadline deadline) {
  const auto until = deadline.sooner(Deadline::after(look_time));
  for (;;) {
    auto taken = SandboxDir::take_over(state_dir, id);
    if (taken || taken.error().code != Errc::unavailable || until.passed()) co_return taken;
    co_await sleep_for(20ms);
  }
}

}  // namespace

asio::awaitable<Result<std::unique_ptr<Sandbox>>> Sandbox::adopt(Backend& backend, std::string id,
                                                                 SandboxOptions options,
                                                                 Deadline deadline) {
  auto executor = co_await asio::this_coro::executor;
  auto directory = co_await take_directory(options.state_dir, id, deadline);
  if (!directory && directory.error().code == Errc::not_found) {
    co_return Error(Errc::closed, directory.error().message);
  }
  if (!directory) co_return directory.error();
  auto container = co_await backend.attach(id, directory->channel().string(), deadline);
  if (!container && container.error().code != Errc::closed) co_return container.error();
  if (!container) {
    auto removed = co_await backend.remove(id, Deadline::after(20s));
    if (!removed && removed.error().code != Errc::not_found) co_return removed.error();
    directory->remove();
    co_return container.error();
  }

  std::unique_ptr<Sandbox> sandbox(new Sandbox(executor, id, std::move(options)));
  sandbox->directory_ = std::move(*directory);
  sandbox->container_ = std::move(*container);
  if (auto egress = sandbox->make_egress(); !egress) {
    co_await sandbox->leave();
    co_return egress.error();
  }
  std::optional<Error> failure;
  std::exception_ptr fault;
  try {
    auto up = co_await sandbox->go_on(backend, deadline.sooner(Deadline::after(greeting_time)));
    if (!up) failure = up.error();
  } catch (...) {
    fault = std::current_exception();
  }
  if (!failure && !fault) co_return std::move(sandbox);
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (fault) {
    // Our caller was cancelled, or the backend has gone: that says nothing against the sandbox.
    co_await sandbox->leave();
    std::rethrow_exception(fault);
  }
  co_await sandbox->close(Deadline::after(20s));
  co_return *failure;
}

asio::awaitable<Result<void>> Sandbox::go_on(Backend& backend, Deadline deadline) {
  const auto spec = make_spec(options_.policy, options_.compiled, options_.image);
  for (const auto& [what, why] : backend.missing_guarantees(spec)) guarantees_[what] = why;
  if (auto connected = co_await connect(deadline); !connected) {
    co_return Error(Errc::closed, connected.error().message);
  }
  nursery_.start(drive());
  nursery_.start(watch_end());
  if (egress_) nursery_.start(egress_->run());
  while (!link_.welcomed() && lost_reason_.empty() && !deadline.passed())
    co_await change_.wait(deadline);
  if (!lost_reason_.empty()) co_return Error(Errc::closed, lost_reason_);
  if (!link_.welcomed()) co_return Error(Errc::closed, "its init does not answer");
  // Whoever started it did not get as far as its first message.
  if (link_.welcome().set_up == 0) co_return Error(Errc::closed, "it was never set up");
  ready_ = true;
  co_return boost::system::in_place_value;
}

asio::awaitable<Result<std::unique_ptr<Session>>> Sandbox::adopt_session(std::uint16_t number,
                                                                         Millis patience,
                                                                         Deadline deadline) {
  if (link_.welcome().contexts == 0) {
    co_return Error(Errc::not_found, "there is no session in the sandbox");
  }
  last_context_ = std::max(last_context_, number);
  const auto ended = [this] {
    return Error(Errc::closed, "the sandbox has ended: " + lost_reason_);
  };
  if (!co_await open_context(number, nlohmann::json::object(), deadline)) {
    if (!lost_reason_.empty()) co_return ended();
    co_return Error(Errc::timed_out, "the session did not answer in time");
  }
  auto& context = contexts_[number];
  const auto last = context.facts.last_block;
  SessionState state{StateChange::unchanged, static_cast<std::uint32_t>(context.facts.checkpoint)};
  // Its owner is gone, but it may be about to end well.
  auto until = deadline.sooner(Deadline::after(patience));
  bool interrupted = false;
  while (context.facts.running != 0 && context.finished.block < last && lost_reason_.empty()) {
    co_await change_.wait(until);
    if (!until.passed() || context.finished.block >= last) continue;
    if (interrupted || deadline.passed()) {
      co_return Error(Errc::timed_out, "a block of an earlier command does not end");
    }
    interrupted = true;
    wire::Interrupt interrupt;
    interrupt.block = last;
    interrupt.grace_ms = static_cast<std::uint32_t>(options_.policy.time.kill_grace.count());
    interrupt.reason = static_cast<std::uint32_t>(wire::Ending::cancelled);
    send(wire::Type::interrupt, number, wire::bytes_of(interrupt));
    until = deadline.sooner(Deadline::after(options_.policy.time.kill_grace + 5s));
  }
  if (!lost_reason_.empty()) co_return ended();
  if (context.facts.running != 0) state.checkpoint = context.finished.checkpoint;
  co_return std::make_unique<Session>(*this, number, last, state);
}

asio::awaitable<void> Sandbox::leave() {
  if (std::exchange(closing_, true)) co_return;
  co_await stop_driving();
  lose("left");
  // So that init need not keep for the next process what this one has had.
  if (const auto last = link_.acknowledge(); stream_ && !last.empty()) {
    try {
      co_await with_timeout(stream_->write(asio::buffer(last)), Deadline::after(1s));
    } catch (const boost::system::system_error&) {
      // It has ended meanwhile.
    }
  }
  if (stream_) stream_->close();
  container_.reset();
  directory_ = SandboxDir();
}

}  // namespace caisson
