// What the supervisor does about the zygote: starting, listening, replacing it.
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstring>
#include <string>

#include "sandbox/guest/init/confine.h"
#include "sandbox/guest/init/supervisor.h"

namespace caisson::guest {
namespace {

constexpr int max_restarts = 5;  // in a row, without a head in between
// The zygote does not run user code; what it has to say is short.
constexpr std::size_t max_log = 256 * 1024;

std::string describe(int status) {
  return WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status))
                             : "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

void Supervisor::spawn_zygote() {
  auto& zygote = world_.zygote;
  zygote.log.reset();
  if (!zygote.spawn(world_.setup)) {
    return fail(std::string("no process for Python can be started: ") + ::strerror(errno) +
                " (is the container's limit of processes too low?)");
  }
  world_.processes.check_last_pid(zygote.pid);
  world_.kin.zygote = zygote.pid;
  mediator_.expect_exec();
}

void Supervisor::on_zygote() {
  auto& zygote = world_.zygote;
  Packet packet;
  while (zygote.pair.fd() >= 0) {
    switch (zygote.pair.receive(packet)) {
      case Pair::Received::nothing:
        return;
      case Pair::Received::closed:
      case Pair::Received::broken:
        // It has ended, or will have to.
        zygote.pair.close();
        if (zygote.pid > 0) ::kill(zygote.pid, SIGKILL);
        return;
      case Pair::Received::packet:
        break;
    }
    const bool whole = (packet.header.flags & wire::flag_more) == 0;
    switch (packet.header.type) {
      case wire::Type::confined: {
        Confined confined;
        if (zygote.state != Zygote::State::starting || !wire::take(packet.body, confined)) break;
        zygote.missing = confined.missing;
        if (packet.fd) {
          listeners_.push_back(std::move(packet.fd));
          world_.judges_signals = mediator_.judges_signals();
        }
        break;
      }
      case wire::Type::failed:
        if (zygote.state == Zygote::State::starting) return fail(packet.body);
        break;
      case wire::Type::ready:
        if (!announced_ready_) {
          world_.channel.send(wire::Type::ready, 0, packet.body, {},
                              static_cast<std::uint8_t>(whole ? 0 : wire::flag_more));
        }
        if (!whole) break;
        announced_ready_ = true;
        zygote.state = Zygote::State::ready;
        for (auto& [number, context] : contexts_) context->zygote_ready();
        break;
      default:
        world_.channel.log("the zygote sent a frame that it must not send");
        break;
    }
  }
}

void Supervisor::on_zygote_log() {
  auto& zygote = world_.zygote;
  std::string text;
  if (!zygote.read_log(text)) return zygote.log.reset();
  if (log_bytes_ > max_log) return;
  log_bytes_ += text.size();
  if (!text.empty()) world_.channel.log(text);
}

void Supervisor::zygote_died(int status) {
  auto& zygote = world_.zygote;
  const bool was_ready = zygote.state == Zygote::State::ready;
  // `failed` may be on its way, and says more.
  on_zygote();
  if (zygote.log) on_zygote_log();
  zygote.pair.close();
  zygote.pid = world_.kin.zygote = 0;
  zygote.state = Zygote::State::none;
  if (ending_) return;
  while (zygote.last_words.ends_with('\n')) zygote.last_words.pop_back();
  if (!was_ready) {
    return fail("Python " + describe(status) + " before it was ready: " +
                (zygote.last_words.empty() ? "it said nothing" : zygote.last_words));
  }
  for (auto& [number, context] : contexts_) {
    if (context->head() > 0) zygote_restarts_ = 0;
  }
  if (++zygote_restarts_ > max_restarts) {
    return fail("the process that Python sessions are forked from " + describe(status) +
                " again and again: is there enough memory?");
  }
  world_.channel.log("the zygote " + describe(status) + " and is started again");
  for (auto& [number, context] : contexts_) context->zygote_lost();
  spawn_zygote();
}

}  // namespace caisson::guest
