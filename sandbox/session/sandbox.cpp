#include "sandbox/session/sandbox.h"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>
#include <cassert>
#include <random>
#include <utility>

#include "sandbox/base/async.h"
#include "sandbox/base/json.h"
#include "sandbox/container/spec.h"
#include "sandbox/session/session.h"
#include "sandbox/session/setup.h"
#include "sandbox/wire/files.h"

namespace caisson {

using wire::Type;
using namespace std::chrono_literals;

namespace {

std::string new_id() {
  std::random_device random;
  return fmt::format("cs-{:08x}{:08x}", random(), random());
}

}  // namespace

Sandbox::Sandbox(boost::asio::any_io_executor executor, std::string id, SandboxOptions options)
    : executor_(executor),
      id_(std::move(id)),
      options_(std::move(options)),
      nursery_(executor),
      outgoing_(executor),
      change_(executor),
      // The process before us may have used small ones.
      last_request_(std::uint64_t{std::random_device()()} << 32) {}

Sandbox::~Sandbox() {
  assert(!container_ && "close() or leave() before the sandbox goes");
}

asio::awaitable<Result<std::unique_ptr<Sandbox>>> Sandbox::start(Backend& backend,
                                                                 SandboxOptions options,
                                                                 Deadline deadline) {
  auto executor = co_await asio::this_coro::executor;
  std::unique_ptr<Sandbox> sandbox(new Sandbox(executor, new_id(), std::move(options)));
  const auto limit = deadline.sooner(Deadline::after(sandbox->policy().time.startup));
  std::optional<Error> failure;
  std::exception_ptr fault;
  try {
    auto up = co_await sandbox->come_up(backend, limit);
    if (!up) failure = up.error();
  } catch (...) {
    fault = std::current_exception();
  }
  if (!failure && !fault) co_return std::move(sandbox);
  // A caller that is cancelled must not leave a container behind.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await sandbox->close(Deadline::after(20s));
  if (fault) std::rethrow_exception(fault);
  co_return *failure;
}

asio::awaitable<Result<void>> Sandbox::come_up(Backend& backend, Deadline deadline) {
  auto spec = make_spec(options_.policy, options_.compiled, options_.image);
  auto directory = SandboxDir::make(options_.state_dir, id_,
                                    {std::string(backend.name()), spec.memory_bytes, ""});
  if (!directory) co_return directory.error();
  directory_ = std::move(*directory);
  if (auto egress = make_egress(); !egress) co_return egress.error();
  spec.id = id_;
  spec.guest_dir = options_.guest_dir.string();
  spec.channel_dir = directory_.channel().string();
  for (const auto& [what, why] : backend.missing_guarantees(spec)) guarantees_[what] = why;

  auto container = co_await backend.start(std::move(spec), deadline);
  if (!container) co_return container.error();
  container_ = std::move(*container);
  if (auto connected = co_await connect(deadline); !connected) co_return connected.error();
  directory_.seal();
  auto setup = make_setup(options_.policy, options_.compiled, options_.guest_mount);
  // Hundreds of processes that spin must not keep init from its work. Within a cgroup that has its
  // own share of the host this is init's affair alone; without one everybody else goes first, too.
  setup.limits.niceness = guarantees_.contains("cpu_share") ? 5 : 19;
  link_.send(Type::setup, 0, wire::encode(setup));
  nursery_.start(drive());
  nursery_.start(watch_end());
  if (egress_) nursery_.start(egress_->run());
  while (!ready_ && lost_reason_.empty() && !deadline.passed()) co_await change_.wait(deadline);
  if (ready_) co_return boost::system::in_place_value;
  if (!failure_.empty())
    co_return Error(Errc::unsupported, "the sandbox cannot start: " + failure_);
  if (!lost_reason_.empty())
    co_return Error(Errc::closed, "the sandbox ended while it started: " + lost_reason_);
  co_return Error(Errc::timed_out,
                  fmt::format("Python was not ready in time (time.startup is {} s){}",
                              options_.policy.time.startup.count() / 1000,
                              last_log_.empty() ? "" : ": " + last_log_));
}

asio::awaitable<Result<void>> Sandbox::connect(Deadline deadline) {
  auto stream = co_await container_->connect(deadline);
  if (!stream) co_return stream.error();
  stream_ = std::move(*stream);
  const auto epoch = directory_.next_epoch();
  if (!epoch) co_return epoch.error();
  link_.connected(*epoch);
  co_return boost::system::in_place_value;
}

asio::awaitable<bool> Sandbox::open_context(std::uint16_t number, nlohmann::json seeds,
                                            Deadline deadline) {
  auto& context = contexts_[number];
  const nlohmann::json body{{"seeds", std::move(seeds)}};
  send(Type::open, number, to_text(body));
  while (!context.opened && context.refusal.empty() && lost_reason_.empty() && !deadline.passed())
    co_await change_.wait(deadline);
  co_return context.opened;
}

asio::awaitable<Result<std::unique_ptr<Session>>> Sandbox::open_session(nlohmann::json seeds,
                                                                        Deadline deadline) {
  if (!lost_reason_.empty())
    co_return Error(Errc::closed, "the sandbox has ended: " + lost_reason_);
  const auto number = ++last_context_;
  if (co_await open_context(number, std::move(seeds), deadline))
    co_return std::make_unique<Session>(*this, number);
  if (!lost_reason_.empty())
    co_return Error(Errc::closed, "the sandbox has ended: " + lost_reason_);
  co_return Error(Errc::timed_out, "the session did not open in time");
}

asio::awaitable<void> Sandbox::close(Deadline deadline) {
  if (std::exchange(closing_, true)) co_return;
  lose("closed");
  co_await stop_driving();
  if (stream_) stream_->close();
  // Also when it cannot be confirmed that it is gone: the next start removes it as an orphan.
  if (const auto container = std::move(container_)) co_await container->kill(deadline);
  directory_.remove();
}

asio::awaitable<void> Sandbox::stop_driving() {
  nursery_.cancel();
  try {
    co_await nursery_.join();
  } catch (const std::exception&) {
    // Why the channel broke has been told as the reason of the loss.
  }
}

// Owns the channel: reads and writes until the connection breaks, connects again, and gives up
// when that fails.
asio::awaitable<void> Sandbox::drive() {
  while (lost_reason_.empty()) {
    std::string problem;
    try {
      Nursery both(executor_);
      both.start(read_messages(*stream_));
      both.start(write_messages(*stream_));
      co_await both.join();
    } catch (const boost::system::system_error& error) {
      if (error.code() == asio::error::operation_aborted) throw;
      problem = error.code().message();
    } catch (const Fault& fault) {
      lose(fault.what());
      co_return;
    }
    if (!co_await reconnect()) {
      lose("the connection to the sandbox broke" + (problem.empty() ? "" : ": " + problem));
    }
  }
}

asio::awaitable<bool> Sandbox::reconnect() {
  if (!lost_reason_.empty()) co_return false;
  stream_->close();
  try {
    const auto connected = co_await connect(Deadline::after(5s));
    co_return connected.has_value();
  } catch (const Fault& fault) {
    lose(fault.what());
    co_return false;
  }
}

asio::awaitable<void> Sandbox::read_messages(ByteStream& stream) {
  for (;;) {
    const auto space = link_.space();
    const auto got = co_await stream.read_some(asio::buffer(space.data(), space.size()));
    if (got == 0) throw boost::system::system_error(asio::error::eof);
    link_.filled(got);
    const bool welcomed = link_.welcomed();
    GuestMessage message;
    for (;;) {
      const auto step = link_.next(message);
      if (step == Link::Step::need_more) break;
      if (step == Link::Step::broken)
        throw Fault("the guest broke the protocol: " + link_.problem());
      receive(message);
    }
    if (link_.welcomed() != welcomed) change_.notify();
    if (link_.has_outgoing()) outgoing_.notify();
  }
}

asio::awaitable<void> Sandbox::write_messages(ByteStream& stream) {
  for (;;) {
    while (link_.has_outgoing()) {
      const auto bytes = link_.take_outgoing();
      co_await stream.write(asio::buffer(bytes));
    }
    co_await outgoing_.wait();
  }
}

asio::awaitable<void> Sandbox::watch_end() {
  std::string reason;
  try {
    reason = co_await container_->wait_end();
  } catch (const Fault& fault) {
    reason = fault.what();
  }
  lose(last_log_.empty() ? reason : reason + " (" + last_log_ + ")");
}

void Sandbox::send(Type type, std::uint16_t context, std::string_view body) {
  link_.send(type, context, body);
  outgoing_.notify();
}

void Sandbox::receive(GuestMessage& message) {
  switch (message.type) {
    case Type::ready:
      if (auto python = parse_json(message.body)) python_ = std::move(*python);
      ready_ = true;
      break;
    case Type::opened: {
      std::string_view body = message.body;
      wire::Opened opened;
      if (!wire::take(body, opened)) break;
      const auto context = contexts_.find(message.context);
      // One that nobody has asked for yet answers the process before us.
      if (context == contexts_.end()) return;
      note_missing(opened.missing);
      context->second.facts = opened;
      context->second.opened = true;
      break;
    }
    case Type::refused: {
      const auto context = contexts_.find(message.context);
      if (context == contexts_.end()) return;
      context->second.refusal = message.body;
      break;
    }
    case Type::restored: {
      std::string_view body = message.body;
      wire::Restored restored;
      const auto context = contexts_.find(message.context);
      if (context == contexts_.end() || !wire::take(body, restored)) return;
      context->second.restored = restored;
      break;
    }
    case Type::file: {
      std::string_view body = message.body;
      wire::FileAnswer answer;
      if (!wire::take(body, answer)) return;
      const auto transfer = transfers_.find(answer.request);
      if (transfer == transfers_.end()) return;
      // Who waits takes them at once; a guest that floods is cut short.
      if (transfer->second->size() < 1024) transfer->second->push_back(std::move(message.body));
      break;
    }
    case Type::log:
      last_log_ = message.body;
      return;
    case Type::failed:
      failure_ = message.body;
      lose(message.body);
      return;
    default: {
      const auto context = contexts_.find(message.context);
      if (context == contexts_.end()) return;
      if (context->second.running != nullptr) {
        context->second.running->receive(message.type, message.body);
        return;
      }
      std::string_view body = message.body;
      if (message.type != Type::finished || !wire::take(body, context->second.finished)) return;
      break;
    }
  }
  change_.notify();
}

void Sandbox::note_missing(std::uint32_t bits) {
  const auto note = [&](wire::Missing bit, const char* what, const char* why) {
    if ((bits & static_cast<std::uint32_t>(bit)) != 0) guarantees_[what] = why;
  };
  note(wire::Missing::landlock, "landlock", "off: this kernel has no Landlock");
  note(wire::Missing::landlock_net, "landlock_net", "off: needs Landlock ABI 4");
  note(wire::Missing::landlock_scope, "landlock_scope", "off: needs Landlock ABI 6");
  note(wire::Missing::notify, "explained_denials", "off: no seccomp user notification here");
  note(wire::Missing::inner_filter, "inner_filter", "off: seccomp(2) refused it");
  note(wire::Missing::cpu_clock, "cpu_limit", "off: no per-process CPU clock");
  note(wire::Missing::peak_memory, "peak_memory", "unknown: /proc cannot be read");
}

asio::awaitable<void> Sandbox::flush(Deadline deadline) {
  while (link_.has_outgoing() && lost_reason_.empty() && !deadline.passed()) {
    co_await sleep_for(1ms);
  }
}

asio::awaitable<void> Sandbox::lift_cpu_limit(bool lifted) {
  try {
    if (container_) co_await container_->lift_cpu_limit(lifted);
  } catch (const boost::system::system_error&) {
    // The caller is cancelled, or the daemon is gone: the next thing that is tried will say so.
  }
}

void Sandbox::lose(std::string reason) {
  if (!lost_reason_.empty()) return;
  lost_reason_ = std::move(reason);
  for (auto& [number, context] : contexts_) {
    if (context.running != nullptr) context.running->lose(lost_reason_);
  }
  outgoing_.notify();
  change_.notify();
}

}  // namespace caisson
