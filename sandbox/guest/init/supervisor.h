// PID 1: waits for everything at once, and sends each event to whom it concerns. Never runs user
// code, never reads what Python wrote, and is the only writer of the channel.
#pragma once

#include <linux/seccomp.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/guest/init/context.h"
#include "sandbox/guest/init/files.h"
#include "sandbox/guest/init/notify.h"
#include "sandbox/guest/init/polls.h"
#include "sandbox/guest/init/relay.h"

namespace caisson::guest {

class Supervisor {
 public:
  Supervisor();

  Channel& channel() { return world_.channel; }
  Relay& relay() { return relay_; }
  // Runs until there is nothing more to do; the exit status of init.
  int run();

 private:
  void build_polls();
  Micros next_time(Micros now) const;
  void dispatch(const Polls::Entry& entry, short events, int fd);
  void on_time(Micros now);

  // The host.
  void on_host();
  void on_frame(const wire::Frame& frame);
  void on_sandbox_frame(const wire::Frame& frame);
  void set_up(const wire::Frame& frame);
  void open_context(const wire::Frame& frame);
  void branch_context(const wire::Frame& frame);
  void close_context(const wire::Frame& frame);
  void tidy();
  void update_facts();
  Context* find(std::uint16_t context);

  // The zygote (zygote_watch.cpp).
  void spawn_zygote();
  void on_zygote();
  void on_zygote_log();
  void zygote_died(int status);

  void on_signals();
  void on_deaths();
  void on_notify(int listener, short events);
  void fail(std::string_view text);
  void end(int status);
  void kill_everything();

  World world_;
  Mediator mediator_;
  Files files_;
  Relay relay_;
  Polls polls_;
  std::map<std::uint16_t, std::unique_ptr<Context>> contexts_;
  std::vector<Fd> listeners_;
  Fd signals_;
  std::string setup_bytes_;
  bool set_up_ = false;
  bool announced_ready_ = false;
  int zygote_restarts_ = 0;
  std::size_t log_bytes_ = 0;  // of the zygote, passed on
  const Micros started_ = now_us();
  bool ending_ = false;
  int exit_status_ = 0;
  Micros end_by_ = never;
};

}  // namespace caisson::guest
