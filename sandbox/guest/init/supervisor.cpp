#include "sandbox/guest/init/supervisor.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cstring>

#include "sandbox/guest/init/confine.h"
#include "sandbox/guest/init/trees.h"

namespace caisson::guest {
namespace {

// Without a setup nobody has said how long to wait for a host.
constexpr Micros idle_before_setup = ms(300000);
// For the last words to reach a host that reads slowly.
constexpr Micros farewell = ms(5000);
constexpr int notifications_per_turn = 32;
constexpr std::size_t max_contexts = 256;

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

template <class T>
bool take_whole(const wire::Frame& frame, T& value) {
  auto body = frame.body;
  return !frame.more() && wire::take(body, value);
}

}  // namespace

Supervisor::Supervisor() : mediator_(world_.processes, world_.kin), files_(world_.channel) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  ::signal(SIGPIPE, SIG_IGN);
  world_.processors = usable_processors();
  world_.oom_kills = count_oom_kills();
  update_facts();
}

int Supervisor::run() {
  for (;;) {
    const Micros now = now_us();
    on_time(now);
    world_.channel.flush();
    tidy();
    if (ending_ && (world_.channel.flushed() || now >= end_by_)) break;
    if (world_.channel.stdio_ended()) break;

    build_polls();
    const Micros wait = std::max<Micros>(0, next_time(now) - now);
    const timespec timeout{static_cast<time_t>(wait / 1000000),
                           static_cast<long>(wait % 1000000 * 1000)};
    auto& fds = polls_.fds();
    const int ready = ::ppoll(fds.data(), fds.size(), &timeout, nullptr);
    for (std::size_t i = 0; ready > 0 && i < fds.size(); ++i) {
      if (fds[i].revents != 0) dispatch(polls_.entry(i), fds[i].revents, fds[i].fd);
    }
  }
  kill_everything();
  return exit_status_;
}

void Supervisor::build_polls() {
  polls_.clear();
  auto& channel = world_.channel;
  // What Python has said comes before what the kernel says of its death, and before new orders.
  if (!ending_) {
    for (const auto& listener : listeners_) polls_.add(listener.get(), POLLIN, Source::notify);
    for (const auto& [number, context] : contexts_) context->add_polls(polls_);
    polls_.add(world_.zygote.pair.fd(),
               static_cast<short>(POLLIN | (world_.zygote.pair.wants_write() ? POLLOUT : 0)),
               Source::zygote);
    polls_.add(world_.zygote.log.get(), POLLIN, Source::zygote_log);
    polls_.add(signals_.get(), POLLIN, Source::signals);
  }
  polls_.add(channel.read_fd(), POLLIN, Source::host);
  if (channel.wants_write()) polls_.add(channel.write_fd(), POLLOUT, Source::host_write);
  polls_.add(channel.listen_fd(), POLLIN, Source::listen);
  relay_.add_polls(polls_, channel.connected());
}

Micros Supervisor::next_time(Micros now) const {
  if (files_.wants_turn()) return now;
  Micros next = std::min(end_by_, now + ms(3600000));
  const auto& limits = world_.setup.limits;
  if (!world_.channel.connected()) {
    const Micros idle = !set_up_             ? idle_before_setup
                        : limits.idle_ms > 0 ? ms(limits.idle_ms)
                                             : never;
    if (idle != never) next = std::min(next, world_.channel.disconnected_since() + idle);
  }
  if (limits.lifetime_ms > 0) next = std::min(next, started_ + ms(limits.lifetime_ms));
  for (const auto& [number, context] : contexts_) next = std::min(next, context->next_time(now));
  return next;
}

void Supervisor::on_time(Micros now) {
  const auto& limits = world_.setup.limits;
  const Micros idle = !set_up_             ? idle_before_setup
                      : limits.idle_ms > 0 ? ms(limits.idle_ms)
                                           : never;
  if (!world_.channel.connected() && idle != never &&
      now - world_.channel.disconnected_since() >= idle) {
    end(0);
  }
  if (limits.lifetime_ms > 0 && now - started_ >= ms(limits.lifetime_ms)) end(0);
  if (ending_) return;
  for (auto& [number, context] : contexts_) context->on_time(now);
}

void Supervisor::dispatch(const Polls::Entry& entry, short events, int fd) {
  auto* context = entry.context != 0 ? find(entry.context) : nullptr;
  switch (entry.source) {
    case Source::signals:
      return on_signals();
    case Source::listen:
      return world_.channel.accept();
    case Source::host:
      // A descriptor of the same number may be a newer connection; reading it does no harm.
      return on_host();
    case Source::host_write:
      return;  // flush() follows in any case
    case Source::zygote:
      if ((events & POLLOUT) != 0) world_.zygote.pair.flush();
      return on_zygote();
    case Source::zygote_log:
      return on_zygote_log();
    case Source::notify:
      return on_notify(fd, events);
    case Source::proxy_listen:
      return relay_.on_guest(world_.channel.connected());
    case Source::line_listen:
      return relay_.on_host();
    case Source::line_idle:
      return relay_.on_idle(fd);
    case Source::relayed:
      return relay_.on_pair(fd, events);
    case Source::head:
      if (context != nullptr) context->on_head(events);
      return;
    case Source::copy:
      if (context != nullptr) context->on_copy();
      return;
    case Source::out:
    case Source::err:
      if (context != nullptr) context->on_output(entry.source);
      return;
  }
}

Context* Supervisor::find(std::uint16_t context) {
  const auto at = contexts_.find(context);
  return at == contexts_.end() ? nullptr : at->second.get();
}

void Supervisor::on_host() {
  auto& channel = world_.channel;
  channel.read();
  wire::Frame frame;
  for (;;) {
    const bool more = channel.next(frame);
    if (channel.take_host_changed()) {
      setup_bytes_.clear();
      files_.forget(0);
      for (auto& [number, context] : contexts_) context->host_changed();
    }
    if (!more) return;
    if (!ending_) on_frame(frame);
  }
}

void Supervisor::on_frame(const wire::Frame& frame) {
  const auto& header = frame.header;
  if (header.context == 0) return on_sandbox_frame(frame);
  if (header.type == wire::Type::open) return open_context(frame);
  if (header.type == wire::Type::branch) return branch_context(frame);
  auto* context = find(header.context);
  if (context == nullptr) return;  // closed meanwhile
  wire::BlockNumber number;
  wire::Interrupt request;
  switch (header.type) {
    case wire::Type::execute:
    case wire::Type::rollback:
      return context->order(frame);
    case wire::Type::put:
      return files_.put(header.context, context->home(), frame.body);
    case wire::Type::get:
      return files_.get(header.context, context->home(), frame.body);
    case wire::Type::list:
      return files_.list(header.context, context->home(), frame.body);
    case wire::Type::keep:
      if (take_whole(frame, number)) context->keep(number.block);
      return;
    case wire::Type::tool_result:
      return context->tool_result(frame);
    case wire::Type::interrupt:
      if (take_whole(frame, request)) context->interrupt(request);
      return;
    case wire::Type::pause:
      if (take_whole(frame, number)) context->pause(number.block);
      return;
    case wire::Type::resume:
      if (take_whole(frame, number)) context->resume(number.block);
      return;
    case wire::Type::close:
      return close_context(frame);
    default: {
      char text[80];
      const int size = ::snprintf(text, sizeof(text), "this init has no use for a frame of type %u",
                                  static_cast<unsigned>(header.type));
      return world_.channel.log({text, static_cast<std::size_t>(size)});
    }
  }
}

void Supervisor::on_sandbox_frame(const wire::Frame& frame) {
  switch (frame.header.type) {
    case wire::Type::setup:
      return set_up(frame);
    case wire::Type::shutdown:
      return end(0);
    default:
      return world_.channel.log("a frame that belongs to a context came without one");
  }
}

void Supervisor::set_up(const wire::Frame& frame) {
  if (set_up_) return world_.channel.log("a second setup was ignored");
  if (setup_bytes_.size() + frame.body.size() > wire::max_message) {
    return fail("the setup message is longer than 16 MiB");
  }
  setup_bytes_.append(frame.body);
  if (frame.more()) return;
  const bool good = wire::decode(setup_bytes_, world_.setup);
  setup_bytes_ = std::string();
  if (!good) {
    return fail(
        "init does not understand the setup message: host and guest are of different versions, "
        "install both from one build");
  }
  set_up_ = true;
  update_facts();
  mediator_.set_calls(world_.setup.calls);
  world_.judges_signals = false;
  spawn_zygote();
}

void Supervisor::open_context(const wire::Frame& frame) {
  const auto number = frame.header.context;
  if (frame.more()) return world_.channel.log("the body of `open` is longer than 64 KiB: dropped");
  if (!set_up_) return world_.channel.log("`open` came before setup: dropped");
  if (contexts_.size() >= max_contexts) return world_.channel.log("too many contexts: dropped");
  // A host that comes again asks whether it is there.
  if (auto* context = find(number)) return context->announce();
  contexts_[number] = std::make_unique<Context>(world_, number, frame.body);
  update_facts();
}

// The new context is made when its head to be has been forked (tidy()).
void Supervisor::branch_context(const wire::Frame& frame) {
  const auto number = frame.header.context;
  wire::Branch request;
  if (!take_whole(frame, request)) return world_.channel.log("a `branch` of the host is too short");
  if (auto* context = find(number)) return context->announce();
  auto* origin = find(request.from);
  if (origin == nullptr || contexts_.size() >= max_contexts) {
    return world_.channel.send(wire::Type::refused, number,
                               origin == nullptr ? "there is no such session to branch"
                                                 : "the sandbox has 256 sessions, all it can have");
  }
  origin->order(frame);
}

void Supervisor::close_context(const wire::Frame& frame) {
  auto* context = find(frame.header.context);
  wire::Close request;
  auto body = frame.body;
  if (!wire::take(body, request)) request = {};
  files_.forget(frame.header.context);
  context->close();
  auto* heir = find(request.heir);
  if (heir != nullptr && heir != context) {
    heir->inherit(*context);
  } else if (context->home() != world_.setup.working_dir) {
    const pid_t remover = start_removing(context->home());
    if (remover > 0) world_.kin.helpers.push_back(remover);
  }
  contexts_.erase(frame.header.context);
  update_facts();
}

void Supervisor::tidy() {
  files_.turn();
  for (auto& [number, context] : contexts_) {
    context->tidy();
    auto made = context->take_branch();
    if (!made) continue;
    // References into a map stay good when it grows.
    contexts_[made->branch] =
        std::make_unique<Context>(world_, made->branch, *context, std::move(made->copy));
    update_facts();
  }
  std::erase_if(contexts_, [](const auto& each) {
    if (each.second->is_over()) each.second->close();
    return each.second->is_over();
  });
}

void Supervisor::update_facts() {
  wire::Welcome facts;
  facts.landlock_abi = static_cast<std::uint32_t>(landlock_abi());
  facts.contexts = static_cast<std::uint32_t>(contexts_.size());
  facts.set_up = set_up_ ? 1 : 0;
  world_.channel.set_facts(facts);
}

void Supervisor::on_signals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    if (info.ssi_signo != SIGCHLD) end(0);
  }
  world_.reaper.collect();
  on_deaths();
}

void Supervisor::on_deaths() {
  // A context that loses its head sweeps, and so reaps more.
  for (auto deaths = world_.reaper.take(); !deaths.empty(); deaths = world_.reaper.take()) {
    for (const auto& death : deaths) {
      if (death.pid == world_.zygote.pid) {
        zygote_died(death.status);
        continue;
      }
      std::erase(world_.kin.helpers, death.pid);
      for (auto& [number, context] : contexts_) {
        if (context->on_death(death)) break;
      }
    }
  }
}

void Supervisor::on_notify(int listener, short events) {
  if ((events & POLLIN) == 0) {  // nobody lives under this filter any more
    std::erase_if(listeners_, [listener](const Fd& fd) { return fd.get() == listener; });
    return;
  }
  seccomp_notif request;
  Judgement judgement;
  pollfd again{listener, POLLIN, 0};
  for (int i = 0; i < notifications_per_turn; ++i) {
    if (!answer_one(listener, mediator_, request, judgement)) return;
    auto* context = judgement.context > 0 ? find(static_cast<std::uint16_t>(judgement.context))
                    : judgement.context == owner_unknown && contexts_.size() == 1
                        ? contexts_.begin()->second.get()
                        : nullptr;
    if (judgement.kills != 0) {
      for (auto& [number, each] : contexts_) {
        if (each->head() == judgement.kills) each->expects_kill();
      }
    }
    if (judgement.is_denial) {
      wire::DeniedCall call;
      call.pid = static_cast<std::uint32_t>(judgement.caller);
      call.number = request.data.nr;
      std::copy(std::begin(request.data.args), std::end(request.data.args), call.args);
      call.error = judgement.error;
      if (context != nullptr) {
        context->denied(call);
      } else if (!world_.channel.full()) {
        world_.channel.send(wire::Type::denied, 0, wire::bytes_of(call));
      }
    }
    if (::poll(&again, 1, 0) <= 0 || (again.revents & POLLIN) == 0) return;
  }
}

void Supervisor::fail(std::string_view text) {
  if (ending_) return;
  world_.channel.send(wire::Type::failed, 0, text.substr(0, wire::max_body));
  ::dprintf(2, "caisson init: %.*s\n", static_cast<int>(text.size()), text.data());
  end(1);
}

// No new connection is needed to hear the last words, but a host that is about to connect should.
void Supervisor::end(int status) {
  if (ending_) return;
  ending_ = true;
  exit_status_ = status;
  end_by_ = now_us() + (status == 0 ? 0 : farewell);
}

void Supervisor::kill_everything() {
  const pid_t self = ::getpid();
  for (auto& [number, context] : contexts_) context->close();
  sweep(world_.reaper, [this, self](std::vector<pid_t>& pids) {
    // The zygote and the sleepers are somebody's too, now.
    world_.kin.zygote = 0;
    world_.kin.sleepers.clear();
    world_.processes.scan(world_.kin);
    for (const auto& process : world_.processes.all()) {
      if (process.pid != self && process.owner != owner_none && process.alive()) {
        pids.push_back(process.pid);
      }
    }
  });
  world_.channel.flush();
}

}  // namespace caisson::guest
