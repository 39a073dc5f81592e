// How one block ended, what it said and used, and where the session's state stands now. A value:
// timeouts, kills and crashes of user code are what this product is about, not errors of ours.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/session/files.h"

namespace caisson {

enum class Status {
  ok,
  raised,       // an exception reached the top of the block
  interrupted,  // it was asked to stop (SIGINT) and obeyed in time
  timeout_wall,
  timeout_cpu,
  out_of_memory,     // MemoryError is `raised`; this is a kill by the kernel or by init
  signal,            // its process died of Outcome::signal
  exited,            // its process ended itself with Outcome::exit_code
  output_limit,      // it printed more than the policy lets a block print, and was killed
  result_too_large,  // the value's representation does not fit
  denied,            // a layer refused the block itself before it ran (input checks)
  cancelled,         // the caller gave up on it
  lost,              // the sandbox is gone; only the host says so, nothing in the guest can
};

// What the block left of the session's state.
enum class StateChange {
  committed,    // the block's effects are the state now, checkpoint `checkpoint` is of it
  rolled_back,  // the state is that of checkpoint `checkpoint`
  unchanged,    // the block did not run
  lost,         // there is no state any more
};

struct SessionState {
  StateChange change = StateChange::unchanged;
  std::uint32_t checkpoint = 0;  // number of the last block whose state is kept; 0: a fresh session
  bool operator==(const SessionState&) const = default;
};

// One stream as it was kept: its head and its tail, and how much there was.
struct Stream {
  std::string head;
  std::string tail;  // empty unless truncated
  std::uint64_t total_bytes = 0;
  bool truncated() const { return total_bytes > head.size() + tail.size(); }
  // Both ends, with a line between them that says how many bytes are missing.
  std::string text() const;
  bool operator==(const Stream&) const = default;
};

struct ExceptionInfo {
  std::string type;     // "ZeroDivisionError"
  std::string message;  // "division by zero"
  std::string
      traceback;  // frames of the blocks only, "<block 3>" for a file; no host or image paths
  bool operator==(const ExceptionInfo&) const = default;
};

struct Usage {
  std::chrono::microseconds wall{};     // by init's clock: the code cannot change it
  std::chrono::microseconds cpu{};      // user and system, of all processes of the session
  std::uint64_t peak_memory_bytes = 0;  // highest resident size of the head since it started
  bool operator==(const Usage&) const = default;
};

// One refusal by a layer, with the rule that made it. `count` equal ones in one block are one
// record.
struct Denial {
  // "seccomp", "landlock", "mount", "python", "input", "egress", "tool"; of a limit: "rlimit",
  // "cgroup", "clock", "memory", "output".
  std::string layer;
  std::string subject;  // "socket(AF_INET, SOCK_STREAM, 0)"
  std::string error;    // "EPERM"; empty: it was only noticed (python.guidance: record)
  std::string rule;     // "network.mode = none (strict.yaml:12)"
  std::string hint;     // one sentence for the model
  std::uint32_t count = 1;
  std::string fix;  // for the operator, and never for the model: what would change it
  std::string id;   // "d-3f9k2mwq": `caisson policy explain --denial` finds it again by this
  bool operator==(const Denial&) const = default;
};
// "denied", "noticed" (nothing was refused), or "limit" (it ran into one).
std::string_view what_it_is(const Denial& denial);

struct Outcome {
  std::uint64_t block = 0;
  Status status = Status::ok;
  int signal = 0;      // with Status::signal
  int exit_code = 0;   // with Status::exited
  std::string reason;  // one sentence for a person when status is not ok or raised
  SessionState state;
  Stream out;
  Stream err;
  nlohmann::json value;  // a MIME bundle {"text/plain": "55", …}, or null
  std::optional<ExceptionInfo> error;
  // Of a block of tools: [{"name", "signature", "doc"}], in the order of their definition.
  nlohmann::json loaded = nlohmann::json::array();
  // Of a block that asks about the names, or in a session that is watched for `policy learn`: what
  // the guest says, unchecked; else null.
  nlohmann::json report;
  std::vector<nlohmann::json> displays;  // MIME bundles in order, plots among them
  std::vector<Denial> denials;
  // Of the session's working directory, as far as the kernel told it.
  struct Files {
    std::vector<FileInfo> made;
    std::vector<FileInfo> changed;
    std::vector<FileInfo> removed;
    std::uint64_t more = 0;  // that are not listed
  } files;
  Usage usage;
  // What this sandbox could not enforce or keep: {"landlock": "off: kernel without Landlock"}.
  // Empty when everything that the policy asks for is in force.
  nlohmann::json guarantees = nlohmann::json::object();
};

std::string_view name(Status status);       // "timeout_wall"
std::string_view name(StateChange change);  // "rolled_back"
// The line that `caisson exec --json` prints.
nlohmann::json to_json(const Outcome& outcome);

}  // namespace caisson
