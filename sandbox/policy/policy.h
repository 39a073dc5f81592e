// What a session may do: plain data, as a user's YAML says it after `extends` is resolved.
// policies/README.md has every key with its unit and default; parse.h makes this from text;
// compile.h turns it into what each layer enforces.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace caisson {

using Millis = std::chrono::milliseconds;

// Who said so: the line of YAML that a leaf of the policy comes from.
struct Origin {
  std::string file;  // as the user named it, or "builtin:strict"
  int line = 0;      // from 1
  int column = 0;    // from 1
  bool operator==(const Origin&) const = default;
};

enum class Need { required, best_effort, off };  // of a kernel feature: refuse, degrade, do without
enum class Answer { notify, error, kill };       // to a denied system call: explain, errno, SIGSYS
enum class Exec { deny, allow };                 // new programs after the interpreter has started
enum class NetworkMode { none, loopback, proxy };  // of the sandbox; it never has a network device
enum class Strays { kill, keep };                  // processes that a block leaves behind
enum class Exceed { truncate, kill };              // when a block prints more than its limit
enum class Guidance {
  refuse,
  record,
  off
};  // of Python's imports and events: raise, tell, nothing

struct Mount {
  enum class Type { tmpfs, bind };
  Type type = Type::tmpfs;
  std::string target;            // absolute path inside
  std::string source;            // bind: absolute host path
  std::uint64_t size_bytes = 0;  // tmpfs: required, as is the number of inodes
  std::uint64_t inodes = 0;
  bool read_only = false;
  bool executable = false;  // files on it may be executed (tmpfs only; bind: as the host has it)
  bool operator==(const Mount&) const = default;
};

// Hosts that a session may reach through the proxy, by the pattern that names them.
struct EgressRule {
  std::string
      host;  // "api.example.org", or "*.example.org": one label more, not example.org itself
  std::vector<std::uint16_t> ports;  // empty: 443
  // Both need plain HTTP or a request that the proxy can read; through a TLS tunnel it sees
  // neither, and such a rule does not allow tunnels. Empty: any.
  std::vector<std::string> methods;  // "GET"
  std::vector<std::string> paths;    // "/simple/**": ** any rest, * within one part
  bool operator==(const EgressRule&) const = default;
};

// A secret that the proxy adds to requests on the host's side; the sandbox never sees it.
struct EgressCredential {
  std::string host;    // exact, and allowed by a rule
  std::string header;  // "Authorization"
  std::string secret;  // where the host finds the value: "env:NAME" or "file:/path"
  bool operator==(const EgressCredential&) const = default;
};

struct Policy {
  std::string name;
  std::string description;
  // Warnings that the author takes on by name: id of a finding -> why.
  std::map<std::string, std::string> acknowledge;

  struct Runtime {
    std::string handler;  // Docker runtime ("runsc", "kata"), empty: the daemon's default
    std::string image;    // as of --image, which overrides it; empty: the program's own
    Need landlock = Need::required;
    Need notify = Need::required;              // seccomp user notification, for explained denials
    Need resource_limits = Need::best_effort;  // cgroup limits; rootless runc may lack them
    bool operator==(const Runtime&) const = default;
  } runtime;

  struct Process {
    std::uint32_t user = 10001;
    std::uint32_t group = 10001;
    std::uint32_t umask = 0077;
    std::string working_dir = "/workspace";
    std::string hostname = "sandbox";
    Exec exec = Exec::deny;
    bool write_and_execute = true;  // mappings that are writable and executable, as JITs need
    int oom_score_adj = 500;        // of the head; init keeps 0, so the kernel takes the block
    bool operator==(const Process&) const = default;
  } process;

  struct Filesystem {
    std::vector<Mount> mounts;         // /workspace and /tmp by default
    std::vector<std::string> read;     // Landlock: readable beneath
    std::vector<std::string> write;    // and writable
    std::vector<std::string> execute;  // and executable, when process.exec allows it
    bool operator==(const Filesystem&) const = default;
  } filesystem;

  struct Network {
    NetworkMode mode = NetworkMode::none;
    struct Egress {                   // with mode proxy
      std::vector<EgressRule> allow;  // by host; nothing else is reached
      std::vector<EgressCredential> credentials;
      // Private, loopback, link-local and metadata ranges are closed, whatever a name resolves to,
      // but for these: "10.1.2.0/24".
      std::vector<std::string> exempt;
      std::uint32_t max_connections = 16;  // at once
      std::uint32_t requests_per_minute = 120;
      std::uint64_t upload_max_bytes = 1 << 20;  // of a connection, to the outside
      std::uint64_t download_max_bytes = 100 << 20;
      bool operator==(const Egress&) const = default;
    } egress;
    bool operator==(const Network&) const = default;
  } network;

  struct Syscalls {
    std::vector<std::string> allow;    // names and "@groups" (groups.h)
    std::vector<std::string> deny;     // wins over allow
    std::vector<std::string> missing;  // answered ENOSYS, so that libraries fall back
    std::vector<std::string> quiet;    // answered EPERM without a word: tried often, no harm in it
    Answer on_deny = Answer::notify;
    bool operator==(const Syscalls&) const = default;
  } syscalls;

  struct Resources {
    double cpus = 1.0;                   // of one core's time
    std::uint64_t memory_max_bytes = 0;  // what the code may use; the container's limit is derived
    std::uint32_t pids_max = 64;
    // Soft and hard alike, by name without RLIMIT_: core, nofile, fsize, stack, memlock, msgqueue,
    // sigpending. Bytes or counts as in setrlimit(2).
    std::map<std::string, std::uint64_t> rlimits;
    bool operator==(const Resources&) const = default;
  } resources;

  struct Time {
    Millis startup{20000};    // container start to the first block
    Millis block{10000};      // wall clock of one block
    Millis cpu{10000};        // CPU time of one block, all its processes
    Millis idle{300000};      // a sandbox that hears nothing from its host for so long ends itself
    Millis session{3600000};  // and after so long in any case
    Millis kill_grace{200};   // between the interrupt and SIGKILL
    bool operator==(const Time&) const = default;
  } time;

  struct Input {
    std::uint64_t max_bytes = 1 << 20;  // of one block's code
    std::uint32_t max_depth = 100;      // of nested brackets and indentation
    bool operator==(const Input&) const = default;
  } input;

  struct Output {
    std::uint64_t stdout_max_bytes = 256 << 10;  // kept: half as head, half as tail
    std::uint64_t stderr_max_bytes = 64 << 10;
    std::uint64_t total_max_bytes = 1 << 30;  // both, as written; beyond it the block is killed
    Exceed on_exceed = Exceed::truncate;  // kill: already at stdout_max_bytes or stderr_max_bytes
    std::uint64_t value_max_bytes = 1 << 20;    // of the last expression's text representations
    std::uint64_t display_max_bytes = 8 << 20;  // of one displayed bundle, images included
    bool operator==(const Output&) const = default;
  } output;

  struct Python {
    std::vector<std::string> preload;  // imported once by the zygote, shared by all sessions
    std::map<std::string, std::string> aliases;  // name -> module, bound in each session: np: numpy
    // Guidance, not a wall: what stops a block is the kernel. All of it can be off without harm.
    Guidance guidance = Guidance::refuse;
    std::map<std::string, std::string> deny;    // module -> hint for the model
    std::map<std::string, std::string> events;  // audit event or "group.*" -> hint, in user code
    bool operator==(const Python&) const = default;
  } python;

  std::map<std::string, std::string> env;  // the whole environment of the interpreter

  struct SessionRules {
    std::uint32_t checkpoints = 1;
    Strays strays = Strays::kill;
    bool operator==(const SessionRules&) const = default;
  } session;

  struct Tools {                          // of the host, that code calls as functions
    std::vector<std::string> allow{"*"};  // names; "*": all that the run offers
    std::vector<std::string> deny;        // wins over allow
    std::uint32_t max_calls = 256;        // of one block
    bool operator==(const Tools&) const = default;
  } tools;

  // Dotted path of a leaf ("resources.memory.max") -> where it was said. Leaves that nobody set
  // have no entry: they hold the default above. Elements of lists and maps have their own:
  // "syscalls.allow[@python]", "env.TZ", "filesystem.mounts./tmp.size".
  std::map<std::string, Origin> origins;

  bool operator==(const Policy&) const = default;
};

}  // namespace caisson
