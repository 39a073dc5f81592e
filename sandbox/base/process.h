// Starts helper programs (runc, a tool's subprocess) and waits for them without a thread.
// Not Boost.Process: in 1.81 its child calls exit() after a failed exec, which prints the parent's
// buffered output a second time.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace caisson {

struct Command {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH
  std::vector<std::string> environment;  // "NAME=value"; empty: ours
  std::string directory;                 // empty: ours
  // Descriptors for 0, 1 and 2; -1 is /dev/null. All others are closed in the child.
  int in = -1;
  int out = -1;
  int err = -1;
  bool dies_with_us = false;  // SIGKILL when the thread that started it ends
};

// How a process ended.
struct ExitStatus {
  int code = 0;    // exit status, when signal is 0
  int signal = 0;  // the signal that ended it, or 0
  bool ok() const { return code == 0 && signal == 0; }
};

// A started process. Destroying it while it runs kills and reaps it.
class Child {
 public:
  Child() = default;
  Child(pid_t pid, OwnedFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  pid_t pid() const { return pid_; }
  void signal(int number) const;  // no effect once it has ended
  // From now on it is nobody's, and outlives this object. Its pidfd.
  OwnedFd release();
  // Waits for the end. Cancellation: the process goes on.
  boost::asio::awaitable<ExitStatus> wait();

 private:
  pid_t pid_ = -1;
  OwnedFd pidfd_;
};

// Errors: not_found (no such program), io (fork, pidfd).
Result<Child> spawn(const Command& command);

struct Finished {
  ExitStatus status;
  std::string out;
  std::string err;
};

// Runs a command to its end and keeps what it prints, at most `limit_bytes` of each stream (the
// rest is read and dropped). Killed when the deadline passes: Errc::timed_out.
boost::asio::awaitable<Result<Finished>> run(Command command, Deadline deadline,
                                             std::size_t limit_bytes = 1 << 20);

}  // namespace caisson
