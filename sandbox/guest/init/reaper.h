// Who died of what.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "sandbox/guest/init/system.h"

namespace caisson::guest {

struct Death {
  pid_t pid = 0;
  int status = 0;  // of wait(2)
  Micros cpu = 0;  // its own and that of children it has waited for
  std::uint64_t peak_bytes = 0;
};

class Reaper {
 public:
  // Reaps what has ended, without waiting.
  void collect();
  std::vector<Death> take() { return std::exchange(deaths_, {}); }
  // The death of this process among those not yet taken, or nullptr.
  const Death* find(pid_t pid) const;

 private:
  std::vector<Death> deaths_;
};

// How often the kernel has killed for lack of memory, as far as /proc and the cgroup tell. Others
// on this machine count too: it is evidence only together with a SIGKILL that nobody of ours sent.
std::uint64_t count_oom_kills();

struct Sweep {
  std::uint32_t killed = 0;
  bool clean = true;  // false: something did not die in time
};

// Stops every process but init, with one system call. False where init is not PID 1 (tests), for
// there everybody is somebody else.
bool stop_everybody();

// Sends SIGSTOP to those of `pids` that are not in `stopped` (sorted), and adds them. False: there
// were none.
bool stop_round(const std::vector<pid_t>& pids, std::vector<pid_t>& stopped);
// Sends SIGKILL to `pids`, and adds to `killed` (sorted) what it does not hold yet.
void kill_round(const std::vector<pid_t>& pids, std::vector<pid_t>& killed);

// Kills what `victims(pids)` lists, which looks at /proc for who is alive and is to die, and reaps
// it. Needs no new process or thread, which a fork bomb would not leave.
//
// First everybody is stopped, round by round: a process with a signal on its way cannot fork any
// more, so the rounds end. Nothing is reaped meanwhile, for each number that is given back is one
// that a bomb can use. Then all are killed at once.
template <class Victims>
Sweep sweep(Reaper& reaper, Victims victims) {
  // A process in the middle of something that cannot be interrupted (giving back much memory, a
  // slow disk) gets this long.
  const Micros give_up = now_us() + ms(8000);
  std::vector<pid_t> stopped;
  std::vector<pid_t> killed;
  std::vector<pid_t> pids;
  do {
    pids.clear();
    victims(pids);
  } while (stop_round(pids, stopped) && now_us() < give_up);
  for (long pause = 50;; pause = pause < 2000 ? pause * 2 : pause) {
    kill_round(pids, killed);
    if (pids.empty() || now_us() > give_up) break;
    sleep_us(pause);
    reaper.collect();
    pids.clear();
    victims(pids);
  }
  return {static_cast<std::uint32_t>(killed.size()), pids.empty()};
}

}  // namespace caisson::guest
