// What init adds to the round trip of a trivial block. The numbers are printed; the limit is wide,
// because tests run on busy machines (tests/bench measures in earnest).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

#include "tests/guest/guest_fixture.h"

namespace caisson::test {
namespace {

constexpr int rounds = 2000;

using Times = std::vector<double>;

template <class Round>
Times measure(Round round) {
  Times times;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    round(i);
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  std::sort(times.begin(), times.end());
  return times;
}

double median(const Times& times) {
  return times[times.size() / 2];
}

// The same worker without init: its zygote and head spoken to directly.
class BareWorker {
 public:
  explicit BareWorker(const std::string& workspace) {
    int zygote[2];
    ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, zygote);
    const std::string main = CAISSON_BINARY_DIR "/guest/worker/main.py";
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(zygote[1], 3);
      ::execlp("/usr/bin/python3", "python3", "-I", "-X", "utf8", main.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(zygote[1]);
    zygote_ = zygote[0];
    send(zygote_, wire::Type::setup, R"({"preload":[],"workspace":)" + quote(workspace) + "}");
    receive(zygote_);
    int head[2];
    ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, head);
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    send(zygote_, wire::Type::open, "{}", {head[1], null, null});
    ::close(head[1]);
    ::close(null);
    head_ = head[0];
    receive(head_);
  }
  ~BareWorker() {
    ::close(head_);
    ::close(zygote_);
    ::waitpid(pid_, nullptr, 0);
  }
  std::string run(std::uint64_t block, std::string_view code) {
    const wire::BlockNumber number{block};
    send(head_, wire::Type::execute,
         std::string(wire::bytes_of(number)) + R"({"code":)" + quote(code) + "}");
    return receive(head_);
  }

 private:
  static void send(int fd, wire::Type type, const std::string& body, std::vector<int> fds = {}) {
    wire::Header header;
    header.type = type;
    header.context = type == wire::Type::setup ? 0 : 1;
    std::string bytes;
    wire::append_frame(bytes, header, body);
    iovec piece{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {};
    if (!fds.empty()) {
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      cmsghdr* part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(3 * sizeof(int));
      std::memcpy(CMSG_DATA(part), fds.data(), 3 * sizeof(int));
    }
    ::sendmsg(fd, &message, 0);
  }
  static std::string receive(int fd) {
    std::string bytes(wire::max_frame, '\0');
    const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
    return bytes;
  }

  pid_t pid_ = 0;
  int zygote_ = -1;
  int head_ = -1;
};

TEST(Latency, InitAddsLittleToABlock) {
  Guest guest;
  guest.start();
  guest.run("x = 1");
  Times through_init;
  Times bare;
  {
    BareWorker worker(guest.directory().string());
    worker.run(1, "x = 1");
    bare = measure([&](int i) { worker.run(static_cast<std::uint64_t>(i) + 2, "x + 1"); });
  }
  through_init = measure([&](int) { guest.run("x + 1"); });
  std::printf(
      "execute(\"x+1\"), p50 and p90 in microseconds: %.0f and %.0f through init, %.0f and "
      "%.0f from a bare worker\n",
      median(through_init), through_init[rounds * 9 / 10], median(bare), bare[rounds * 9 / 10]);
  EXPECT_LT(median(through_init), median(bare) + 2000);
}

}  // namespace
}  // namespace caisson::test
