#include "sandbox/base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "sandbox/base/async.h"
#include "sandbox/base/nursery.h"

namespace caisson {
namespace {

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    const auto end = std::min(rest.find(':'), rest.size());
    const std::string candidate = rest.substr(0, end) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.erase(0, end + 1);
  }
  return "";
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const auto& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

// Runs between fork and exec: only async-signal-safe calls. Returns only by failing; the parent
// reads errno from `report`.
[[noreturn]] void become(const char* program, char* const* argv, char* const* envp,
                         const Command& command, pid_t parent, int report) {
  // Above 2 first, as for the wanted descriptors below.
  report = ::fcntl(report, F_DUPFD_CLOEXEC, 3);
  const auto fail = [report] {
    const int error = errno;
    static_cast<void>(!::write(report, &error, sizeof error));
    ::_exit(127);
  };
  std::array<int, 3> wanted{command.in, command.out, command.err};
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  // First above 2, then down: a wanted descriptor may itself be 0, 1 or 2.
  for (auto& fd : wanted) fd = ::fcntl(fd < 0 ? null : fd, F_DUPFD, 3);
  for (int target = 0; target < 3; ++target) {
    if (::dup2(wanted[static_cast<std::size_t>(target)], target) < 0) fail();
  }
  ::syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) fail();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (command.dies_with_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It had ended before we asked.
    if (::getppid() != parent) ::_exit(127);
  }
  ::execve(program, argv, envp);
  fail();
  ::_exit(127);
}

ExitStatus decode(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {.code = info.si_status, .signal = 0};
  return {.code = 0, .signal = info.si_status};
}

}  // namespace

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  return *this;
}

Child::~Child() {
  if (!pidfd_) return;
  signal(SIGKILL);
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 &&
         errno == EINTR) {
  }
}

void Child::signal(int number) const {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

OwnedFd Child::release() {
  pid_ = -1;
  return std::move(pidfd_);
}

asio::awaitable<ExitStatus> Child::wait() {
  // A pidfd is readable when its process has ended. The descriptor is lent to Asio and taken back.
  asio::posix::stream_descriptor ended(co_await asio::this_coro::executor, ::dup(pidfd_.get()));
  co_await ended.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0) {
    throw Fault(fmt::format("waiting for process {}: {}", pid_, std::strerror(errno)));
  }
  pidfd_.reset();
  co_return decode(info);
}

Result<Child> spawn(const Command& command) {
  const std::string program = find_program(command.argv.at(0));
  if (program.empty()) {
    return Error(Errc::not_found,
                 fmt::format("'{}' is not installed (looked in PATH)", command.argv[0]));
  }
  const auto argv = pointers(command.argv);
  const auto environment = pointers(command.environment);
  char* const* envp = command.environment.empty() ? environ : environment.data();
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) {
    return Error(Errc::io, fmt::format("cannot start '{}': {}", program, std::strerror(errno)));
  }
  const OwnedFd report_in(report[0]);
  OwnedFd report_out(report[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(program.c_str(), argv.data(), envp, command, parent, report_out.get());
  }
  if (pid < 0) {
    return Error(Errc::io,
                 fmt::format("cannot start '{}': fork: {}", program, std::strerror(errno)));
  }
  report_out.reset();
  OwnedFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  Child child(pid, std::move(pidfd));
  int error = 0;
  // Ends at once: exec closes the other end, a failure writes into it.
  if (::read(report_in.get(), &error, sizeof error) == sizeof error) {
    return Error(error == ENOENT ? Errc::not_found : Errc::io,
                 fmt::format("cannot start '{}': {}", program, std::strerror(error)));
  }
  return child;
}

namespace {

asio::awaitable<void> read_all(OwnedFd fd, std::string& text, std::size_t limit_bytes) {
  asio::posix::stream_descriptor stream(co_await asio::this_coro::executor, fd.release());
  std::array<char, 16384> buffer;
  for (;;) {
    boost::system::error_code error;
    const auto got = co_await stream.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    if (error) co_return;
    text.append(buffer.data(), std::min(got, limit_bytes - std::min(limit_bytes, text.size())));
  }
}

asio::awaitable<Finished> run_to_end(Child child, OwnedFd out, OwnedFd err,
                                     std::size_t limit_bytes) {
  Finished result;
  Nursery readers(co_await asio::this_coro::executor);
  readers.start(read_all(std::move(out), result.out, limit_bytes));
  readers.start(read_all(std::move(err), result.err, limit_bytes));
  co_await readers.join();
  result.status = co_await child.wait();
  co_return result;
}

}  // namespace

asio::awaitable<Result<Finished>> run(Command command, Deadline deadline, std::size_t limit_bytes) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0) co_return Error(Errc::io, std::strerror(errno));
  OwnedFd out_read(out[0]);
  OwnedFd out_write(out[1]);
  if (::pipe2(err, O_CLOEXEC) != 0) co_return Error(Errc::io, std::strerror(errno));
  OwnedFd err_read(err[0]);
  OwnedFd err_write(err[1]);
  command.out = out_write.get();
  command.err = err_write.get();
  auto child = spawn(command);
  if (!child) co_return child.error();
  out_write.reset();
  err_write.reset();
  auto result = co_await with_timeout(
      run_to_end(std::move(*child), std::move(out_read), std::move(err_read), limit_bytes),
      deadline);
  if (!result) {
    co_return Error(Errc::timed_out,
                    fmt::format("'{}' did not end in time and was killed", command.argv[0]));
  }
  co_return std::move(*result);
}

}  // namespace caisson
