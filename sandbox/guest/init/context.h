// One session of the sandbox as init sees it: its head, and the block that runs in it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/guest/init/block_clock.h"
#include "sandbox/guest/init/capture.h"
#include "sandbox/guest/init/changes.h"
#include "sandbox/guest/init/channel.h"
#include "sandbox/guest/init/copy.h"
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
  Kin kin;
  int processors = 1;
  int running_blocks = 0;
  int opening_heads = 0;  // and copies in the making
  bool judges_signals = false;
  std::uint64_t oom_kills = 0;  // as far as they have been accounted for
};

class Context {
 public:
  // `request` is the body of `open`, passed on to each head.
  Context(World& world, std::uint16_t number, std::string_view request);
  // A branch: its head wakes from `copy`, as soon as its working directory is there.
  Context(World& world, std::uint16_t number, const Context& origin, Copy copy);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  // Messages of the host. An order (`execute`, `rollback`, `branch`) waits until the checkpoint of
  // the block before has been made: no block runs beside it.
  void order(const wire::Frame& frame);
  void tool_result(const wire::Frame& frame);
  void interrupt(const wire::Interrupt& request);
  void keep(std::uint64_t block);
  void pause(std::uint64_t block);
  void resume(std::uint64_t block);
  // What the host before has left unfinished is ended.
  void host_changed();
  // Ends all its processes.
  void close();
  // Takes over the working directory of a context that has been closed.
  void inherit(const Context& from);

  // Events.
  void add_polls(Polls& polls) const;
  void on_head(short events);
  void on_copy();
  void on_output(Source source);
  // A child of init has ended; true when it was this context's head, or a copy of one.
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
  // A branch whose copy has been made, once: for the supervisor, which makes its context.
  std::optional<Making> take_branch() { return std::exchange(branched_, std::nullopt); }
  bool is_over() const { return is_over_; }
  const std::string& home() const { return home_; }
  pid_t head() const { return head_.pid; }
  void denied(wire::DeniedCall call);
  // SIGKILL was let through to the head: it is not the kernel's.
  void expects_kill() { own_kill_ = true; }

 private:
  enum class HeadState { none, opening, alive };

  struct Order {  // a frame that waits
    wire::Header header;
    std::string body;
  };

  struct Stream {
    Fd read;
    Capture capture;
    bool ended = false;  // nobody can write to it any more
  };

  struct Block {
    std::uint64_t number = 0;
    BlockClock clock;
    Micros started = 0;
    std::uint64_t started_ticks = 0;  // as Process::start
    Micros grace = 0;
    std::uint32_t flags = 0;                         // wire::Execute's
    wire::Ending stopping = wire::Ending::finished;  // why it is being interrupted, if it is
    Micros interrupt_at = never;
    Micros kill_at = never;
    Micros cpu_check_at = never;
    Micros memory_check_at = 0;
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
  void recover();
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

  // Its copies (context_copies.cpp).
  bool make_copy(Pair& of, Making making);
  void make_checkpoint();
  void copy_asleep(const Packet& packet);
  void copy_failed(std::uint32_t error);
  void wake(Copy copy, bool is_branch);
  void drop(Copy& copy);
  void kill_sleeper(pid_t pid);
  void close_copies();
  bool on_copy_death(const Death& death);
  void rollback(std::uint64_t checkpoint);
  void branch(std::uint16_t number, const wire::Branch& request);
  void answer_rollback(std::uint32_t problem);
  void give_up_branch(const char* why);

  // What the head says (context_relay.cpp).
  bool relay(const Packet& packet);
  bool relay_in_block(const Packet& packet);
  void close_partials();

  // The running block (context_block.cpp).
  bool must_wait() const;
  void carry_out(const wire::Frame& frame);
  void execute(const wire::Frame& frame);
  void start_block(const wire::Execute& execute);
  void stop_block(wire::Ending reason, Micros grace, Micros now);
  void completed();
  void finish(HowItEnded how);
  void report(wire::Left left);
  void read_stream(std::uint8_t stream, std::size_t bytes);
  void drain();
  void renew_streams();
  bool over_limit() const;
  void send_tail(std::uint8_t stream);

  // All its processes (context_family.cpp).
  Micros cpu_now();
  Micros cpu_total();
  void measure_family();
  bool may_have_family(Micros now);
  bool uses_too_much_memory();
  void look_at_family();
  void scan_family();
  bool stop_a_crowd();
  bool is_crowd();
  void freeze();
  void interrupt_head();
  enum class Victims { all, strays, strays_of_the_block };  // all: the head too
  Sweep sweep_family(Victims who);
  void let_others_go();
  bool is_stray(const Process& process) const;

  World& world_;
  const std::uint16_t number_;
  const std::string request_;
  std::string home_;  // its working directory

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
  std::optional<HowItEnded> died_idle_;  // the state of a block was lost between blocks
  std::uint64_t lost_ = 0;               // its number
  bool to_be_swept_ = false;             // the family of a dead head, when no copy is in the making

  bool is_branch_ = false;
  bool is_over_ = false;        // a branch that could not be made
  std::optional<Copy> branch_;  // its head to be, while its directory is being copied
  pid_t copier_ = 0;            // the process that does so
  pid_t waking_ = 0;            // a copy that has been told to become the head
  bool woken_died_ = false;
  bool recovers_ = false;         // recover() waits until `making_` is settled
  std::vector<Copy> copies_;      // checkpoints, the oldest first
  std::optional<Making> making_;  // one more copy
  std::optional<Making> branched_;
  bool checkpoint_due_ = false;
  Micros checkpoint_at_ = 0;       // not before, unless something waits for it
  bool held_ = false;              // no checkpoint before the host says so
  bool answers_rollback_ = false;  // once there is a head again
  std::uint64_t live_ = 0;         // number of the block whose state the head has
  std::deque<Order> orders_;
  std::optional<wire::Interrupt> early_interrupt_;  // of a block that waits in there
  std::uint32_t notes_ = 0;                         // wire::Note bits, for the next report
  std::uint32_t checkpoint_error_ = 0;
  bool copies_readable_ = false;

  Changes changes_;
  Stream out_;
  Stream err_;
  bool renew_streams_ = false;
  Partial partials_[3];           // display, tool_call, result
  bool execute_open_ = false;     // of the last execute, frames are still to come
  bool execute_dropped_ = false;  // and they are not wanted

  std::uint64_t last_block_ = 0;
  bool running_ = false;
  bool frozen_ = false;  // everybody is stopped until it has ended
  bool ended_ = false;   // it has, and `finished_` is told when it is known what state is left
  wire::Finished finished_;
  Block block_;
  Denials denials_;
  std::uint32_t strays_killed_ = 0;

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
