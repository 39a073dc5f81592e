// The few words of the system that every file of init uses. Nothing here throws: init is built
// without exceptions, and running out of memory ends it.
#pragma once

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace caisson::guest {

// A file descriptor with one owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

using Micros = std::int64_t;
inline constexpr Micros never = INT64_MAX;
inline constexpr Micros ms(std::uint64_t milliseconds) {
  return static_cast<Micros>(milliseconds) * 1000;
}

inline Micros to_micros(const timespec& time) {
  return static_cast<Micros>(time.tv_sec) * 1000000 + time.tv_nsec / 1000;
}

inline Micros now_us() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return to_micros(time);
}

inline void sleep_us(long time) {
  const timespec pause{0, time * 1000};
  ::nanosleep(&pause, nullptr);
}

inline void set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

// A pipe from a process of the guest to us: only our end is non-blocking.
inline bool make_pipe(Fd& read, Fd& write) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read.reset(ends[0]);
  write.reset(ends[1]);
  set_nonblocking(ends[0]);
  return true;
}

}  // namespace caisson::guest
