#include "sandbox/guest/init/notify.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <charconv>
#include <cstring>
#include <string_view>

namespace caisson::guest {
namespace {

enum MediationKind : std::uint32_t { refuse = 0, first_exec = 1, signal_call = 2, audit = 3 };

// The process behind a pidfd of another process: its pid, or a negative errno.
pid_t pidfd_target(pid_t thread, int fd) {
  char path[64];
  ::snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", thread, fd);
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return errno == ENOENT ? -EBADF : -EPERM;
  char text[2048];
  const ssize_t got = ::read(file.get(), text, sizeof(text));
  const std::string_view all(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  const auto line = all.find("\nPid:\t");
  if (line == std::string_view::npos) return -EBADF;
  pid_t pid = 0;
  std::from_chars(all.data() + line + 6, all.data() + all.size(), pid);
  return pid > 0 ? pid : -ESRCH;
}

}  // namespace

bool Mediator::judges_signals() const {
  for (const auto& call : calls_) {
    if (call.number == SYS_kill && call.mediation == signal_call) return true;
  }
  return false;
}

Judgement Mediator::judge(const seccomp_notif& request) {
  Judgement judgement;
  const auto thread = static_cast<pid_t>(request.pid);
  judgement.caller = processes_.thread_group(thread).value_or(thread);
  judgement.error = EPERM;
  std::uint32_t kind = refuse;
  for (const auto& call : calls_) {
    if (call.number != request.data.nr) continue;
    judgement.error = call.error != 0 ? call.error : EPERM;
    kind = call.mediation;
  }
  if (kind == first_exec && exec_is_due_ && judgement.caller == kin_.zygote) {
    exec_is_due_ = false;
    judgement.answer = Judgement::Answer::allow;
    judgement.context = owner_none;
    return judgement;
  }
  const auto caller = processes_.read(judgement.caller);
  judgement.context = caller ? processes_.owner_of(*caller, kin_) : owner_unknown;
  if (kind == signal_call) return judge_signal(request.data, thread, judgement);
  judgement.is_denial = true;
  if (kind == audit) {
    judgement.answer = Judgement::Answer::allow;
    judgement.error = 0;
  }
  return judgement;
}

Judgement Mediator::judge_signal(const seccomp_data& call, pid_t thread,
                                 Judgement judgement) const {
  using Answer = Judgement::Answer;
  const auto first = static_cast<pid_t>(call.args[0]);
  pid_t target = first;
  int number = static_cast<int>(call.args[1]);
  bool perform = false;
  switch (call.nr) {
    case SYS_tgkill:
    case SYS_rt_tgsigqueueinfo:
      number = static_cast<int>(call.args[2]);
      break;
    case SYS_pidfd_send_signal:
      perform = true;
      target = pidfd_target(thread, first);
      if (target < 0 || call.args[3] != 0) {
        judgement.error = target < 0 ? -target : EINVAL;
        return judgement;
      }
      break;
    default:  // kill, tkill, rt_sigqueueinfo
      break;
  }
  bool allowed = false;
  if (target > 0) {
    allowed = target == judgement.caller || may_signal(target, judgement.context);
  } else if (call.nr != SYS_kill || target == INT_MIN) {
    allowed = true;  // the kernel says EINVAL or ESRCH
  } else if (target == -1) {
    allowed = false;  // it would reach the zygote, if not init
  } else {
    const pid_t group = target == 0 ? ::getpgid(judgement.caller) : -target;
    allowed = may_signal_group(group, judgement.context);
  }
  if (!allowed) {
    judgement.is_denial = true;
    return judgement;
  }
  if (number == SIGKILL) {
    judgement.kills = target > 0 ? processes_.thread_group(target).value_or(target) : 0;
    // Of a group it is enough to know whether the context's head is in it.
    const pid_t group = target == 0 || target == INT_MIN ? ::getpgid(judgement.caller) : -target;
    for (const auto& family : kin_.families) {
      if (target <= 0 && family.context == judgement.context && family.head != 0 &&
          ::getpgid(family.head) == group) {
        judgement.kills = family.head;
      }
    }
  }
  judgement.answer = perform ? Answer::done : Answer::allow;
  judgement.error = 0;
  if (perform && ::kill(target, number) != 0) judgement.error = errno;
  return judgement;
}

bool Mediator::may_signal(pid_t target, int caller_context) const {
  const auto group = processes_.thread_group(target);
  if (!group) return true;  // the kernel says ESRCH
  if (*group == ::getpid() || kin_.is_protected(*group)) return false;
  const auto process = processes_.read(*group);
  if (!process) return true;
  const int owner = processes_.owner_of(*process, kin_);
  return owner == owner_unknown || (owner > 0 && owner == caller_context);
}

bool Mediator::may_signal_group(pid_t group, int caller_context) const {
  // A group lies within one session, and its number is the pid of the process that made it: heads,
  // their copies and the zygote are leaders of sessions of their own.
  return group != ::getpgrp() && may_signal(group, caller_context);
}

bool answer_one(int listener, Mediator& mediator, seccomp_notif& request, Judgement& judgement) {
  // Newer kernels may fill in more than this header knows.
  union {
    seccomp_notif request;
    char room[512];
  } received;
  union {
    seccomp_notif_resp response;
    char room[512];
  } answer;
  std::memset(&received, 0, sizeof(received));
  std::memset(&answer, 0, sizeof(answer));
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &received) != 0) return false;
  request = received.request;
  judgement = mediator.judge(request);
  answer.response.id = request.id;
  switch (judgement.answer) {
    case Judgement::Answer::allow:
      answer.response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      break;
    case Judgement::Answer::refuse:
    case Judgement::Answer::done:
      answer.response.error = -judgement.error;
      break;
  }
  // ENOENT: the caller has been killed meanwhile.
  ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  return true;
}

}  // namespace caisson::guest
