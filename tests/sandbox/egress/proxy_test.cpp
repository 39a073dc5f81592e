// The proxy with the test in the place of init: what it does with who is slow, idle or too many.
#include "sandbox/egress/proxy.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <filesystem>

#include "sandbox/base/async.h"
#include "tests/support/client_hello.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;
using Line = asio::local::stream_protocol::socket;

class EgressProxyTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string directory = testing::TempDir() + "proxy-XXXXXX";
    directory_ = ::mkdtemp(directory.data());
    policy_.network.mode = NetworkMode::proxy;
    policy_.network.egress.allow = {{"allowed.example.org", {80, 443}, {}, {}}};
    settings_.times = {150ms, 500ms, 200ms, 2000ms};
    settings_.resolve = [this](std::string host,
                               Deadline) -> asio::awaitable<Result<std::vector<Address>>> {
      resolved_.push_back(host);
      co_return std::vector<Address>{*parse_address("127.0.0.1")};
    };
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void with_proxy(std::function<asio::awaitable<void>(EgressProxy&)> body) {
    test::run_coro(run(std::move(body)));
  }
  asio::awaitable<void> run(std::function<asio::awaitable<void>(EgressProxy&)> body) {
    EgressOptions options;
    options.open_line = [this]() -> Result<OwnedFd> {
      int ends[2];
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
      waiting_.emplace_back(ends[1]);
      return OwnedFd(ends[0]);
    };
    options.journal = directory_ / "journal.jsonl";
    options.settings = settings_;
    options.on_refusal = [this](const Refusal& refusal) { refusals_.push_back(refusal.id); };
    const auto executor = co_await asio::this_coro::executor;
    auto proxy = EgressProxy::make(executor, policy_, std::move(options));
    EXPECT_TRUE(proxy);
    Nursery nursery(executor);
    nursery.start((*proxy)->run());
    co_await body(**proxy);
    nursery.cancel();
    co_await nursery.join();
  }

  // As when the sandbox connects.
  asio::awaitable<Line> connect() {
    while (waiting_.empty()) co_await sleep_for(1ms);
    Line line(co_await asio::this_coro::executor, asio::local::stream_protocol(),
              waiting_.front().release());
    waiting_.pop_front();
    const char in_use = 1;
    co_await asio::async_write(line, asio::buffer(&in_use, 1), asio::use_awaitable);
    co_return line;
  }

  // What comes until the proxy ends the connection.
  static asio::awaitable<std::string> read_all(Line& line) {
    std::string all;
    for (;;) {
      std::array<char, 4096> bytes;
      boost::system::error_code error;
      const auto got = co_await line.async_read_some(
          asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return all;
      all.append(bytes.data(), got);
    }
  }

  std::filesystem::path directory_;
  Policy policy_;
  EgressSettings settings_;
  std::deque<OwnedFd> waiting_;
  std::vector<std::string> resolved_;
  std::vector<std::string> refusals_;
};

TEST_F(EgressProxyTest, AHeadThatComesByteByByteForTooLongIsGivenUp) {
  with_proxy([this](EgressProxy& proxy) -> asio::awaitable<void> {
    auto line = co_await connect();
    const auto start = Clock::now();
    boost::system::error_code error;
    while (!error && Clock::now() - start < 2s) {
      co_await asio::async_write(line, asio::buffer("X", 1),
                                 asio::redirect_error(asio::use_awaitable, error));
      co_await sleep_for(20ms);
      if (!refusals_.empty()) break;
    }
    EXPECT_EQ(refusals_, std::vector<std::string>{"slow_request"});
    EXPECT_LT(Clock::now() - start, 1s);
    EXPECT_EQ(proxy.totals().refused, 1U);
  });
}

TEST_F(EgressProxyTest, OneThatSaysNothingIsClosed) {
  with_proxy([this](EgressProxy&) -> asio::awaitable<void> {
    auto line = co_await connect();
    EXPECT_EQ(co_await read_all(line), "");
    EXPECT_TRUE(refusals_.empty());
  });
}

TEST_F(EgressProxyTest, ALongHeadIsRefused) {
  with_proxy([this](EgressProxy&) -> asio::awaitable<void> {
    auto line = co_await connect();
    const std::string head =
        "GET http://allowed.example.org/ HTTP/1.1\r\nX: " + std::string(70000, 'x');
    co_await asio::async_write(line, asio::buffer(head), asio::use_awaitable);
    const auto answer = co_await read_all(line);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 431")) << answer;
  });
}

TEST_F(EgressProxyTest, MoreConnectionsThanAllowedAreToldSo) {
  policy_.network.egress.max_connections = 2;
  with_proxy([this](EgressProxy&) -> asio::awaitable<void> {
    auto first = co_await connect();
    auto second = co_await connect();
    auto third = co_await connect();
    const std::string head =
        "GET http://allowed.example.org/ HTTP/1.1\r\nHost: allowed.example.org\r\n\r\n";
    co_await asio::async_write(third, asio::buffer(head), asio::use_awaitable);
    const auto answer = co_await read_all(third);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 429")) << answer;
    EXPECT_TRUE(resolved_.empty());
  });
}

TEST_F(EgressProxyTest, ANameThatIsAtAClosedAddressIsNotDialled) {
  with_proxy([this](EgressProxy&) -> asio::awaitable<void> {
    auto line = co_await connect();
    const std::string head =
        "CONNECT allowed.example.org:443 HTTP/1.1\r\nHost: allowed.example.org\r\n\r\n";
    co_await asio::async_write(line, asio::buffer(head), asio::use_awaitable);
    line.shutdown(Line::shutdown_send);
    const auto answer = co_await read_all(line);
    EXPECT_NE(answer.find("resolved_to_denied"), answer.npos) << answer;
    EXPECT_EQ(resolved_, std::vector<std::string>{"allowed.example.org"});
  });
}

// A host at a port of this machine, which only a test can allow.
class EgressTunnelTest : public EgressProxyTest {
 protected:
  void with_tunnel(
      std::function<asio::awaitable<void>(EgressProxy&, Line&, asio::ip::tcp::socket&)> body) {
    with_proxy([this, body](EgressProxy& proxy) -> asio::awaitable<void> {
      const auto executor = co_await asio::this_coro::executor;
      asio::ip::tcp::acceptor acceptor(executor, {asio::ip::address_v4::loopback(), 0});
      const auto port = acceptor.local_endpoint().port();
      policy_.network.egress.exempt = {"127.0.0.0/8"};
      policy_.network.egress.allow = {{"allowed.example.org", {port}, {}, {}}};
      auto line = co_await connect();
      const auto head = "CONNECT allowed.example.org:" + std::to_string(port) + " HTTP/1.0\r\n\r\n";
      co_await asio::async_write(line, asio::buffer(head), asio::use_awaitable);
      auto host = co_await acceptor.async_accept(asio::use_awaitable);
      std::array<char, 39> established;
      co_await asio::async_read(line, asio::buffer(established), asio::use_awaitable);
      const auto hello = test::records(test::message(test::server_name("Allowed.example.org")), 7);
      co_await asio::async_write(line, asio::buffer(hello), asio::use_awaitable);
      std::string got(hello.size(), '\0');
      co_await asio::async_read(host, asio::buffer(got), asio::use_awaitable);
      EXPECT_EQ(got, hello);
      co_await body(proxy, line, host);
    });
  }
};

TEST_F(EgressTunnelTest, PassesBytesBothWaysUntilNobodyHasSpokenForTooLong) {
  with_tunnel(
      [this](EgressProxy& proxy, Line& line, asio::ip::tcp::socket& host) -> asio::awaitable<void> {
        // Longer than the idle time in all, and never silent for so long.
        for (int i = 0; i < 6; ++i) {
          co_await asio::async_write(host, asio::buffer("down", 4), asio::use_awaitable);
          std::array<char, 4> got;
          co_await asio::async_read(line, asio::buffer(got), asio::use_awaitable);
          co_await sleep_for(60ms);
        }
        const auto start = Clock::now();
        EXPECT_EQ(co_await read_all(line), "");
        EXPECT_LT(Clock::now() - start, 1s);
        EXPECT_EQ(proxy.totals().down_bytes, 24U);
        EXPECT_TRUE(refusals_.empty());
      });
}

TEST_F(EgressTunnelTest, IsNotEndlessHoweverMuchIsSaid) {
  settings_.times.total = 400ms;
  with_tunnel([](EgressProxy&, Line& line, asio::ip::tcp::socket& host) -> asio::awaitable<void> {
    const auto start = Clock::now();
    boost::system::error_code error;
    while (!error && Clock::now() - start < 5s) {
      co_await asio::async_write(host, asio::buffer("down", 4),
                                 asio::redirect_error(asio::use_awaitable, error));
      co_await sleep_for(50ms);
    }
    EXPECT_LT(Clock::now() - start, 2s);
    line.close();
  });
}

TEST_F(EgressTunnelTest, EndsWithTheProxy) {
  with_tunnel([](EgressProxy&, Line&, asio::ip::tcp::socket&) -> asio::awaitable<void> {
    co_return;  // what follows cancels the proxy, and waits for it
  });
}

TEST_F(EgressTunnelTest, BytesBeyondTheLimitEndIt) {
  policy_.network.egress.upload_max_bytes = 1000;
  with_tunnel([this](EgressProxy&, Line& line, asio::ip::tcp::socket&) -> asio::awaitable<void> {
    const std::string much(2000, 'x');
    co_await asio::async_write(line, asio::buffer(much), asio::use_awaitable);
    co_await read_all(line);
    EXPECT_EQ(refusals_, std::vector<std::string>{"too_large"});
  });
}

TEST_F(EgressProxyTest, AMissingSecretIsAnErrorOfTheStart) {
  policy_.network.egress.credentials = {{"allowed.example.org", "X-Key", "env:NO_SUCH_VARIABLE"}};
  boost::asio::io_context loop;
  EgressOptions options;
  options.journal = directory_ / "journal.jsonl";
  const auto made = EgressProxy::make(loop.get_executor(), policy_, std::move(options));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::bad_input);
}

}  // namespace
}  // namespace caisson
