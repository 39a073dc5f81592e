// The way from the sandbox's proxy port to the host: bytes unread, one connection no matter to
// another.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>

#include "sandbox/base/fd.h"
#include "tests/guest/guest_fixture.h"

namespace caisson::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int free_port() {
  const OwnedFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(0);
  socklen_t size = sizeof address;
  ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// What comes within two seconds: so many bytes, or all until the end (0).
std::string read_from(const OwnedFd& fd, std::size_t count) {
  std::string bytes;
  pollfd readable{fd.get(), POLLIN, 0};
  while ((count == 0 || bytes.size() < count) && ::poll(&readable, 1, 2000) == 1) {
    char buffer[4096];
    const auto want = count == 0 ? sizeof buffer : std::min(sizeof buffer, count - bytes.size());
    const auto got = ::read(fd.get(), buffer, want);
    if (got <= 0) break;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
  return bytes;
}

void write_to(const OwnedFd& fd, std::string_view bytes) {
  ASSERT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

bool readable(const OwnedFd& fd, int ms) {
  pollfd poll{fd.get(), POLLIN, 0};
  return ::poll(&poll, 1, ms) == 1;
}

class Relay : public testing::Test {
 protected:
  // As the host does.
  OwnedFd line() {
    OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = (guest_.directory() / "relay.sock").string();
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  // As the code does.
  OwnedFd connect() {
    OwnedFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = loopback(port_);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  const int port_ = free_port();
  Guest guest_{{}, Guest::Place::plain_process, port_};
};

TEST_F(Relay, PassesBytesAndEndsBothWays) {
  const auto host = line();
  const auto code = connect();
  EXPECT_EQ(read_from(host, 1), "\1");
  std::string all(300000, '\0');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i * 7);
  for (std::size_t at = 0; at < all.size(); at += 50000) {
    write_to(code, std::string_view(all).substr(at, 50000));
    EXPECT_EQ(read_from(host, 50000), all.substr(at, 50000));
    write_to(host, std::string_view(all).substr(at, 50000));
    EXPECT_EQ(read_from(code, 50000), all.substr(at, 50000));
  }
  // One side may be done while the other goes on.
  ::shutdown(code.get(), SHUT_WR);
  EXPECT_EQ(read_from(host, 0), "");
  write_to(host, "late");
  EXPECT_EQ(read_from(code, 4), "late");
  ::shutdown(host.get(), SHUT_WR);
  EXPECT_EQ(read_from(code, 0), "");
}

TEST_F(Relay, WhoFindsNoLineWaitsForOne) {
  const auto code = connect();
  write_to(code, "early");
  EXPECT_FALSE(readable(code, 100));
  const auto host = line();
  EXPECT_EQ(read_from(host, 6), "\1early");
}

TEST_F(Relay, ALineThatTheHostHasClosedIsNotUsed) {
  line();
  const auto host = line();
  const auto code = connect();
  write_to(code, "x");
  EXPECT_EQ(read_from(host, 2), "\1x");
}

TEST_F(Relay, OneThatIsNotReadHoldsUpNobodyElse) {
  guest_.start();
  const auto stuck_host = line();
  const auto stuck = connect();
  EXPECT_EQ(read_from(stuck_host, 1), "\1");
  const std::string much(1 << 20, 'x');
  while (::send(stuck.get(), much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  const auto host = line();
  const auto code = connect();
  write_to(code, "quick");
  EXPECT_EQ(read_from(host, 6), "\1quick");
  EXPECT_EQ(value_of(guest_.run("1 + 1")), "2");
}

TEST_F(Relay, ABrokenConnectionEndsOnTheOtherSide) {
  const auto host = line();
  {
    const auto code = connect();
    EXPECT_EQ(read_from(host, 1), "\1");
    const linger at_once{1, 0};
    ::setsockopt(code.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  EXPECT_EQ(read_from(host, 0), "");
}

TEST_F(Relay, WithoutAHostNobodyWaits) {
  guest_.disconnect();
  const auto code = connect();
  EXPECT_TRUE(readable(code, 2000));
  EXPECT_EQ(read_from(code, 0), "");
}

}  // namespace
}  // namespace caisson::test
