// One session of the sandbox as init sees it: its head, and the block that runs in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/guest/init/block_clock.h"
#include "sandbox/guest/init/capture.h"
#include "sandbox/guest/init/channel.h"
#include "sandbox/guest/init/denials.h"
#include "sandbox/guest/init/head.h"
#include "sandbox/guest/init/polls.h"
#include "sandbox/guest/init/processes.h"
#include "sandbox/guest/init/reaper.h"
#include "sandbox/guest/init/zygote.h"
#include "sandbox/wire/message.h"
#include "sandbox/wire/setup.h"

namespace caisson::guest {

// What all contexts share. Owned by the supervisor.
struct World {
  Channel channel;
  Processes processes;
  Reaper reaper;
  Zygote zygote;
  wire::Setup setup;
  std::vector<Family> families;  // one for each context
  int processors = 1;
  int running_blocks = 0;
  int opening_heads = 0;
  bool judges_signals = false;
  std::uint64_t oom_kills = 0;  // as far as they have been accounted for
};

class Context {
 public:
  // `request` is the body of `open`, passed on to each head.
  Context(World& world, std::uint16_t number, std::string_view request);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  // Messages of the host.
  void execute(const wire::Frame& frame);
  void tool_result(const wire::Frame& frame);
  void interrupt(const wire::Interrupt& request);
  void pause(std::uint64_t block);
  void resume(std::uint64_t block);
  // What the host before has left unfinished is ended.
  void host_changed();
  // Ends all its processes.
  void close();

  // Events.
  void add_polls(Polls& polls) const;
  void on_head(short events);
  void on_output(Source source);
  // A child of init has ended; true when it was this context's head.
  bool on_death(const Death& death);
  void on_time(Micros now);
  // The next moment at which on_time() has something to do.
  Micros next_time(Micros now) const;
  void zygote_ready();
  void zygote_lost();
  // After the frames of a block have left: what need not be on its way.
  void tidy();

  // Tells the host that a head runs, when one does.
  void announce();
  pid_t head() const { return head_.pid; }
  void denied(wire::DeniedCall call);
  // SIGKILL was let through to the head: it is not the kernel's.
  void expects_kill() { own_kill_ = true; }

 private:
  enum class HeadState { none, opening, alive };

  struct Stream {
    Fd read;
    Capture capture;
    bool ended = false;  // nobody can write to it any more
  };

  struct Block {
    std::uint64_t number = 0;
    BlockClock clock;
    Micros started = 0;
    Micros grace = 0;
    wire::Ending stopping = wire::Ending::finished;  // why it is being interrupted, if it is
    Micros interrupt_at = never;
    Micros kill_at = never;
    Micros cpu_check_at = never;
    bool died = false;  // its head is dead; what is still in the pair is read
  };

  struct Partial {  // a message of the head of which frames are still to come
    bool open = false;
    bool relayed = false;
    std::size_t size = 0;
  };

  struct HowItEnded {
    wire::Ending ending = wire::Ending::finished;
    std::uint32_t detail = 0;
  };

  // The head's life (context.cpp).
  void open_head(Micros now);
  bool make_streams(std::vector<Fd>& ends);
  void hand_over();
  void head_opened(const Packet& packet);
  void opening_failed(const char* why);
  void back_off();
  void forget_head();
  void bury_head(const Death& death);
  void lose_head(HowItEnded how);
  void kill_head(wire::Ending ending);
  void breach(const char* what);
  HowItEnded explain(int status);
  void set_family(pid_t head);
  void log(const char* text);

  // What the head says (context_relay.cpp).
  bool relay(const Packet& packet);
  bool relay_in_block(const Packet& packet);
  void close_partials();

  // The running block (context_block.cpp).
  void start_block(const wire::Execute& execute);
  void stop_block(wire::Ending reason, Micros grace, Micros now);
  void completed();
  void finish(HowItEnded how, wire::Left left);
  void read_stream(std::uint8_t stream, std::size_t bytes);
  void drain();
  bool over_limit() const;
  void send_tail(std::uint8_t stream);
  Micros cpu_now();
  Micros cpu_total();
  void measure_family();
  bool may_have_family(Micros now);
  void look_at_family();
  Sweep sweep_family(bool with_head);
  bool is_stray(const Process& process) const;

  World& world_;
  const std::uint16_t number_;
  const std::string request_;

  Head head_;
  HeadState state_ = HeadState::none;
  std::vector<Fd> ends_;      // of the head that the zygote has still to be asked for
  Micros open_at_ = never;    // when to try again
  Micros opened_by_ = never;  // when to give up waiting
  Micros dead_by_ = never;    // the head has closed its pair: it must be about to die
  int failures_ = 0;          // to open, in a row
  bool announced_ = false;    // the host knows that this context is open
  bool own_kill_ = false;
  bool used_ = false;                    // a block has been sent to this head
  std::optional<HowItEnded> died_idle_;  // the state was lost between blocks

  Stream out_;
  Stream err_;
  bool renew_streams_ = false;
  Partial partials_[3];           // display, tool_call, result
  bool execute_open_ = false;     // of the last execute, frames are still to come
  bool execute_dropped_ = false;  // and they are not wanted

  std::uint64_t last_block_ = 0;
  std::uint64_t live_block_ = 0;  // whose state the head has; 0: a fresh one
  bool running_ = false;
  Block block_;
  Denials denials_;
  std::uint32_t strays_killed_ = 0;
  std::uint32_t strays_kept_ = 0;

  // CPU time besides the head's own: of processes that live, of children that the head waited for,
  // and of orphans that init has reaped.
  Micros family_cpu_ = 0;
  Micros dead_head_cpu_ = 0;
  Micros highest_cpu_ = 0;
  std::uint64_t dead_head_peak_ = 0;
  std::size_t family_size_ = 0;
  std::uint64_t last_pid_ = 0;  // as of the last look
  Micros looked_at_ = 0;
};

}  // namespace caisson::guest
