// Answers system calls that the inner filter hands to init.
//
// Only values are judged, never what a pointer points to: another thread could change it between
// the judgement and the call. A descriptor (pidfd) could be exchanged as well, so such a call is
// performed by init and not let through.
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include <vector>

#include "sandbox/guest/init/processes.h"
#include "sandbox/guest/init/system.h"
#include "sandbox/wire/setup.h"

namespace caisson::guest {

struct Judgement {
  enum class Answer { allow, refuse, done };
  Answer answer = Answer::refuse;
  int error = 0;           // of refuse, or of done when it failed
  bool is_denial = false;  // something to tell the host
  pid_t caller = 0;        // process, not thread
  int context = 0;         // of the caller; owner_* when it has none
  pid_t kills = 0;         // process to which SIGKILL is let through
};

class Mediator {
 public:
  Mediator(const Processes& processes, const Kin& kin) : processes_(processes), kin_(kin) {}

  void set_calls(const std::vector<wire::SetupCall>& calls) { calls_ = calls; }
  // A new zygote's first exec is let through.
  void expect_exec() { exec_is_due_ = true; }
  // True when signals pass through here, so that a SIGKILL that did not is the kernel's.
  bool judges_signals() const;

  Judgement judge(const seccomp_notif& request);

 private:
  Judgement judge_signal(const seccomp_data& call, pid_t thread, Judgement judgement) const;
  bool may_signal(pid_t target, int caller_context) const;
  bool may_signal_group(pid_t group, int caller_context) const;

  const Processes& processes_;
  const Kin& kin_;
  std::vector<wire::SetupCall> calls_;
  bool exec_is_due_ = false;
};

// Receives one request, has it judged and answers. False when there was none after all.
// `request` is filled in for the caller's records.
bool answer_one(int listener, Mediator& mediator, seccomp_notif& request, Judgement& judgement);

}  // namespace caisson::guest
