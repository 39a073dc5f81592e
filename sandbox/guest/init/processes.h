// Which processes there are below init, and to which context each of them belongs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sandbox/guest/init/system.h"

namespace caisson::guest {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  char state = '?';
  std::int64_t threads = 0;
  std::uint64_t start = 0;  // with pid: the identity of a process
  Micros cpu = 0;           // of its own, in clock ticks' precision (10 ms)
  Micros children_cpu = 0;  // of children that it has waited for
  int owner = 0;            // a context, or one of the below

  // The leader of a process may be a zombie while its threads run.
  bool alive() const { return !((state == 'Z' || state == 'X') && threads <= 1); }
};

// init, the zygote and what it forks, a sleeping copy of a head, or not below init
inline constexpr int owner_none = -1;
inline constexpr int owner_unknown = -2;  // below init, orphaned, its context can't be told

// Fields of /proc/<pid>/stat; false when it is not one.
bool parse_stat(std::string_view text, Process& process);

// The processes of a context are what descends from its head, or is in the head's session.
struct Family {
  int context = 0;
  pid_t head = 0;
};

// A copy of a head that sleeps. It is nobody's; what descends from it is its context's.
struct Sleeper {
  int context = 0;
  pid_t pid = 0;
};

// Who is who below init: what an owner is found by.
struct Kin {
  pid_t zygote = 0;
  std::vector<Family> families;  // one for each context
  std::vector<Sleeper> sleepers;
  std::vector<pid_t> helpers;  // init's own, and sleepers that are being killed

  // Processes that no code of a session may touch.
  bool is_protected(pid_t pid) const;
};

class Processes {
 public:
  Processes();

  // Looks at all of /proc. False when it cannot be read.
  bool scan(const Kin& kin);
  // How many there are, without a look at each.
  std::size_t count();
  // Of the last scan.
  const std::vector<Process>& all() const { return processes_; }
  const Process* find(pid_t pid) const;

  // One process, read now; also of a thread, whose process is then found in `tgid`.
  std::optional<Process> read(pid_t pid) const;
  std::optional<pid_t> thread_group(pid_t thread) const;
  // To whom a process belongs, found without a scan.
  int owner_of(const Process& process, const Kin& kin) const;

  // The present as Process::start has it, rounded down.
  std::uint64_t ticks_now() const;
  // The number that the kernel gave out last in this PID namespace: while it stays, nothing has
  // been forked. 0 when the kernel does not tell (gVisor), then only a scan does.
  std::uint64_t last_pid() const;
  // Called right after a fork: learns whether last_pid() works here.
  void check_last_pid(pid_t child);

 private:
  struct Known {
    pid_t pid;
    std::uint64_t start;
    int owner;
  };
  void read_numbers(std::vector<pid_t>& pids);
  std::optional<Process> look_up(pid_t pid) const;

  Fd proc_;
  Fd loadavg_;
  bool last_pid_works_ = false;
  const Micros tick_;
  const pid_t self_;
  std::vector<Process> processes_;  // by pid
  std::vector<Known> known_;        // of the scan before: an orphan still belongs where it did
};

}  // namespace caisson::guest
