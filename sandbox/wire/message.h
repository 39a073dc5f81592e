// The packed structs that stand at the front of bodies (PROTOCOL.md). Fields are in an order that
// leaves no padding; the asserts below keep it so.
#pragma once

#include <cstdint>

namespace caisson::wire {

struct Hello {
  std::uint32_t version = 0;
  std::uint32_t first = 0;     // 1: this host has never been welcomed here
  std::uint64_t last_seq = 0;  // of the guest, that the host has received; 0: none
};

// What init could not put in force; the host turns bits into `guarantees`.
enum class Missing : std::uint32_t {
  landlock = 1,        // no Landlock at all
  landlock_net = 2,    // ABI < 4
  landlock_scope = 4,  // ABI < 6
  notify = 8,          // no seccomp user notification: denials have no explanation
  inner_filter = 16,   // seccomp(2) refused the inner filter
  cpu_clock = 32,      // no per-process CPU clock: only the wall clock bounds a block
  peak_memory = 64,    // /proc/<pid>/status can't be read
};

struct Welcome {
  std::uint32_t version = 0;
  std::uint32_t landlock_abi = 0;
  std::uint64_t last_seq = 0;  // of the host, that init has received
  std::uint32_t contexts = 0;  // open ones
  std::uint32_t set_up = 0;    // 1 when setup has been done
};

struct Opened {
  std::uint32_t pid = 0;         // of the head, in the container
  std::uint32_t missing = 0;     // Missing bits
  std::uint64_t last_block = 0;  // highest number of an `execute` that has arrived
  std::uint64_t checkpoint = 0;  // number of the block whose state is live; 0: fresh
  std::uint32_t running = 0;     // 1: last_block has not finished yet
  std::uint32_t reserved = 0;
};

// Execute::flags
inline constexpr std::uint32_t hold = 1;  // no checkpoint after it until `keep` or `rollback`
inline constexpr std::uint32_t look = 2;  // it changes nothing, and is no step to go back to

struct Execute {
  std::uint64_t block = 0;
  std::uint32_t wall_ms = 0;  // 0: no limit
  std::uint32_t cpu_ms = 0;   // 0: no limit
  std::uint32_t grace_ms = 0;
  std::uint32_t flags = 0;
};

struct Rollback {
  std::uint64_t checkpoint = 0;  // one that is kept; 0: a fresh state
};

inline constexpr std::uint64_t newest = ~std::uint64_t{0};

struct Branch {
  std::uint64_t checkpoint = newest;  // of the session that is branched: the state as it is now
  std::uint16_t from = 0;             // that session's context
  std::uint16_t reserved = 0;
  std::uint32_t reserved2 = 0;
};

struct Close {             // an older host sends an empty body
  std::uint16_t heir = 0;  // a branch that takes the working directory over; 0: nobody
  std::uint16_t reserved = 0;
  std::uint32_t reserved2 = 0;
};

struct Interrupt {
  std::uint64_t block = 0;
  std::uint32_t grace_ms = 0;
  std::uint32_t reason = 0;  // Ending::interrupted or Ending::cancelled
};

struct BlockNumber {  // pause, resume, and the front of display, tool_call, result
  std::uint64_t block = 0;
};

struct Output {
  std::uint64_t block = 0;
  std::uint8_t stream = 0;  // 1 stdout, 2 stderr
  std::uint8_t tail = 0;    // 1: from the end of the stream, after dropped bytes
  std::uint16_t reserved = 0;
  std::uint32_t reserved2 = 0;
};

enum class Ending : std::uint32_t {
  finished = 0,  // Python sent a result: ok or raised
  interrupted = 1,
  timeout_wall = 2,
  timeout_cpu = 3,
  out_of_memory = 4,
  signalled = 5,  // `detail` is the signal
  exited = 6,     // `detail` is the exit status
  output_limit = 7,
  cancelled = 8,
  protocol = 9,  // the head broke PROTOCOL.md and was killed
};

// What else a host should know when a block has finished.
enum class Note : std::uint32_t {
  no_checkpoint = 1,  // of the block before this one; `checkpoint_error` says why
  restored = 2,       // the head had died between blocks; the newest checkpoint took its place
};

enum class Left : std::uint32_t { committed = 0, rolled_back = 1, unchanged = 2, lost = 3 };

struct Finished {
  std::uint64_t block = 0;
  Ending ending = Ending::finished;
  std::uint32_t detail = 0;
  Left left = Left::committed;
  std::uint32_t checkpoint = 0;  // number of the block whose state is live now; 0: fresh
  std::uint64_t wall_us = 0;
  std::uint64_t cpu_us = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t shared_bytes = 0;  // that the head has mapped as shared
  std::uint64_t out_bytes = 0;     // written to stdout, kept or not
  std::uint64_t err_bytes = 0;
  std::uint32_t strays_killed = 0;  // processes that the block left behind
  std::uint32_t strays_kept = 0;
  std::uint32_t notes = 0;             // Note bits
  std::uint32_t checkpoint_error = 0;  // errno; 0 with Note::no_checkpoint: it took too long
};

struct Restored {
  std::uint64_t checkpoint = 0;  // whose state is live now
  std::uint32_t problem = 0;     // errno: ENOENT when there is no such checkpoint, EBUSY, EIO
  std::uint32_t reserved = 0;
};

struct DeniedCall {
  std::uint64_t block = 0;  // 0: between blocks
  std::uint32_t pid = 0;
  std::int32_t number = 0;  // x86-64 system call
  std::uint64_t args[6] = {};
  std::int32_t error = 0;   // errno
  std::uint32_t count = 1;  // equal calls that this record stands for
};

static_assert(sizeof(Hello) == 16 && sizeof(Welcome) == 24 && sizeof(Opened) == 32);
static_assert(sizeof(Execute) == 24 && sizeof(Interrupt) == 16 && sizeof(BlockNumber) == 8);
static_assert(sizeof(Rollback) == 8 && sizeof(Branch) == 16 && sizeof(Close) == 8);
static_assert(sizeof(Restored) == 16);
static_assert(sizeof(Output) == 16 && sizeof(Finished) == 88 && sizeof(DeniedCall) == 72);

}  // namespace caisson::wire
