#include "sandbox/base/http_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/byte_server.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

namespace asio = boost::asio;
using test::answer;
using test::answer_and_wait;
using test::ByteServer;
using test::run_coro;
using namespace std::chrono_literals;

HttpTarget local(std::uint16_t port) {
  HttpTarget target;
  target.host = "127.0.0.1";
  target.port = port;
  return target;
}

struct Exchange {
  Result<HttpResponse> response = HttpResponse();
  std::string request;
};

Exchange exchange(ByteServer::Script script, HttpRequest request = {},
                  std::size_t limit = 16 << 20) {
  asio::io_context loop(1);
  ByteServer server(loop, std::move(script));
  Exchange result;
  result.response = run_coro(
      loop, http_fetch(local(server.port()), std::move(request), Deadline::after(10s), limit));
  result.request = server.request();
  return result;
}

const std::string chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Test: Yes\r\n\r\n"
    "5\r\nhello\r\n7;note=1\r\n, world\r\n0\r\nTrailer: x\r\n\r\n";

struct Shape {
  const char* name;
  std::string bytes;
  std::string body;
};
class HttpBody : public testing::TestWithParam<Shape> {};

TEST_P(HttpBody, ArrivesWhole) {
  const auto done = exchange(answer(GetParam().bytes));
  ASSERT_TRUE(done.response) << done.response.error().message;
  EXPECT_EQ(done.response->body, GetParam().body);
}

TEST_P(HttpBody, ArrivesWholeOneByteAtATime) {
  const auto done = exchange(answer(GetParam().bytes, 1));
  ASSERT_TRUE(done.response) << done.response.error().message;
  EXPECT_EQ(done.response->body, GetParam().body);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, HttpBody,
    testing::Values(Shape{"Chunked", chunked, "hello, world"},
                    Shape{"WithLength", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcXX", "abc"},
                    Shape{"UntilClose", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it",
                          "all of it"},
                    Shape{"Http10", "HTTP/1.0 200 OK\r\n\r\nold", "old"},
                    Shape{"AfterContinue",
                          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                          "ok"},
                    Shape{"Nothing", "HTTP/1.1 204 No Content\r\n\r\n", ""}),
    [](const auto& info) { return info.param.name; });

class HttpBroken : public testing::TestWithParam<std::string> {};

TEST_P(HttpBroken, EveryCutOfAFramedAnswerIsSaid) {
  const auto& whole = GetParam();
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto done = exchange(answer(whole.substr(0, cut)));
    ASSERT_FALSE(done.response) << "cut at " << cut;
    EXPECT_EQ(done.response.error().code, Errc::closed) << "cut at " << cut;
  }
}
INSTANTIATE_TEST_SUITE_P(Answers, HttpBroken,
                         testing::Values("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                         "5\r\nhello\r\n0\r\n\r\n"));

TEST(HttpClient, HeadersAreFoundInAnyCase) {
  const auto done = exchange(answer(chunked));
  ASSERT_TRUE(done.response);
  EXPECT_EQ(done.response->status, 200U);
  EXPECT_EQ(done.response->header("x-TEST"), "Yes");
  EXPECT_EQ(done.response->header("missing"), "");
}

TEST(HttpClient, SendsBodyHostAndAsksForNoCompression) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/v1/x?y=1";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = "{}";
  const auto done = exchange(
      [](ByteServer& server, ByteServer::Socket& socket) -> asio::awaitable<void> {
        co_await server.read_request(socket, 2);
        const std::string bytes = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
      },
      request);
  ASSERT_TRUE(done.response) << done.response.error().message;
  EXPECT_EQ(done.response->status, 401U);
  EXPECT_TRUE(done.request.starts_with("POST /v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_NE(done.request.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(done.request.find("Accept-Encoding: identity\r\n"), std::string::npos);
  EXPECT_NE(done.request.find("Content-Length: 2\r\n"), std::string::npos);
  EXPECT_TRUE(done.request.ends_with("\r\n\r\n{}"));
}

TEST(HttpClient, AHeaderCannotSmuggleALine) {
  HttpRequest request;
  request.headers = {{"Authorization", "Bearer x\r\nEvil: 1"}};
  const auto done = run_coro(http_fetch(local(9), request, Deadline::after(1s)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::bad_input);
  EXPECT_EQ(done.error().message.find("Bearer"), std::string::npos) << "the key is not repeated";
}

TEST(HttpClient, SendsAFile) {
  const auto path = std::filesystem::temp_directory_path() / "caisson-http-body";
  const std::string content(1 << 20, 'x');
  std::ofstream(path) << content;
  HttpRequest request;
  request.method = "PUT";
  request.body_file = path.string();
  const auto done = exchange(
      [&](ByteServer& server, ByteServer::Socket& socket) -> asio::awaitable<void> {
        co_await server.read_request(socket, content.size());
        const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
      },
      request);
  std::filesystem::remove(path);
  ASSERT_TRUE(done.response) << done.response.error().message;
  EXPECT_TRUE(done.request.ends_with("\r\n\r\n" + content));
  EXPECT_NE(done.request.find("Content-Length: 1048576\r\n"), std::string::npos);
}

TEST(HttpClient, AnAnswerBeforeTheWholeBodyWasTakenIsHeard) {
  HttpRequest request;
  request.method = "POST";
  request.body.assign(32 << 20, 'x');
  const auto done = exchange(
      [](ByteServer& server, ByteServer::Socket& socket) -> asio::awaitable<void> {
        co_await server.read_request(socket);
        const std::string bytes = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
        socket.shutdown(asio::socket_base::shutdown_send);
        // Without a reset, which would take the answer along: read some, then leave.
        char piece[65536];
        for (int i = 0; i < 10; ++i) {
          co_await socket.async_read_some(asio::buffer(piece), asio::use_awaitable);
        }
        co_await server.wait_for_close(socket);
      },
      request);
  ASSERT_TRUE(done.response) << done.response.error().message;
  EXPECT_EQ(done.response->status, 413U);
}

TEST(HttpClient, ABodyBeyondTheLimitIsRefused) {
  const auto done = exchange(answer(chunked), {}, 11);
  ASSERT_FALSE(done.response);
  EXPECT_EQ(done.response.error().code, Errc::too_large);
}

TEST(HttpClient, HeadersBeyond64KiBAreRefused) {
  const auto done =
      exchange(answer("HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'x') + "\r\n\r\n"));
  ASSERT_FALSE(done.response);
  EXPECT_EQ(done.response.error().code, Errc::too_large) << done.response.error().message;
}

TEST(HttpClient, AnEndlessChunkLineIsRefused) {
  const auto done = exchange(
      answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + std::string(200000, 'x')));
  ASSERT_FALSE(done.response);
  EXPECT_EQ(done.response.error().code, Errc::too_large) << done.response.error().message;
}

TEST(HttpClient, SomethingElseThanHttpIsAProtocolError) {
  const auto done = exchange(answer("SSH-2.0-OpenSSH_9.2\r\n"));
  ASSERT_FALSE(done.response);
  EXPECT_EQ(done.response.error().code, Errc::protocol);
  EXPECT_NE(done.response.error().message.find("127.0.0.1"), std::string::npos);
}

TEST(HttpClient, ARefusedConnectionNamesHostAndPort) {
  std::uint16_t port = 0;
  {
    asio::io_context loop;
    asio::ip::tcp::acceptor taken(loop, {asio::ip::address_v4::loopback(), 0});
    port = taken.local_endpoint().port();
  }
  const auto done = run_coro(http_fetch(local(port), {}, Deadline::after(5s)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unavailable);
  EXPECT_NE(done.error().message.find("127.0.0.1:" + std::to_string(port) + " refused"),
            std::string::npos)
      << done.error().message;
}

TEST(HttpClient, AnUnknownNameIsSaid) {
  HttpTarget target = local(80);
  target.host = "no-such-host.invalid";
  const auto done = run_coro(http_fetch(target, {}, Deadline::after(20s)));
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("no-such-host.invalid"), std::string::npos);
}

TEST(HttpClient, AMissingSocketIsSaid) {
  HttpTarget target;
  target.transport = HttpTarget::Transport::unix_socket;
  target.unix_path = "/nonexistent/docker.sock";
  const auto done = run_coro(http_fetch(target, {}, Deadline::after(5s)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unavailable);
  EXPECT_EQ(done.error().message, "there is no socket /nonexistent/docker.sock");
}

TEST(HttpClient, ASilentServerRunsIntoTheFirstByteTimeout) {
  HttpRequest request;
  request.timeouts.first_byte = 30ms;
  const auto done = exchange(answer_and_wait(""), request);
  ASSERT_FALSE(done.response);
  EXPECT_EQ(done.response.error().code, Errc::timed_out);
}

TEST(HttpClient, AServerThatFallsSilentRunsIntoTheIdleTimeout) {
  HttpRequest request;
  request.timeouts.idle = 30ms;
  const auto done =
      exchange(answer_and_wait("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), request);
  ASSERT_FALSE(done.response);
  EXPECT_EQ(done.response.error().code, Errc::timed_out);
}

TEST(HttpClient, TheDeadlineBoundsEverything) {
  asio::io_context loop(1);
  ByteServer server(loop, answer_and_wait(""));
  const auto start = Clock::now();
  const auto done = run_coro(loop, http_fetch(local(server.port()), {}, Deadline::after(30ms)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::timed_out);
  EXPECT_LT(Clock::now() - start, 5s);
}

TEST(HttpStream, GivesPiecesAsTheyComeAndClosesWhenTheReaderHasEnough) {
  asio::io_context loop(1);
  ByteServer server(loop, answer_and_wait("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                          "5\r\nfirst\r\n"));
  auto client = [](std::uint16_t port) -> asio::awaitable<std::string> {
    auto stream = co_await http_open(local(port), HttpRequest(), Deadline::after(5s));
    EXPECT_TRUE(stream);
    std::string buffer(100, ' ');
    const auto got = co_await stream->read_some(asio::buffer(buffer), Deadline::after(5s));
    EXPECT_TRUE(got);
    buffer.resize(got ? *got : 0);
    co_return buffer;
  };
  EXPECT_EQ(run_coro(loop, client(server.port())), "first");
  EXPECT_TRUE(server.client_left());
}

TEST(HttpStream, ASmallBufferLosesNothing) {
  asio::io_context loop(1);
  ByteServer server(loop, answer(chunked));
  auto client = [](std::uint16_t port) -> asio::awaitable<std::string> {
    auto stream = co_await http_open(local(port), HttpRequest(), Deadline::after(5s));
    std::string all;
    for (;;) {
      char letter = 0;
      const auto got = co_await stream->read_some(asio::buffer(&letter, 1), Deadline::after(5s));
      EXPECT_TRUE(got);
      if (!got || *got == 0) break;
      all += letter;
    }
    co_return all;
  };
  EXPECT_EQ(run_coro(loop, client(server.port())), "hello, world");
}

TEST(HttpStream, AnUpgradedConnectionIsRawBothWays) {
  asio::io_context loop(1);
  ByteServer server(
      loop, [](ByteServer& self, ByteServer::Socket& socket) -> asio::awaitable<void> {
        co_await self.read_request(socket);
        // The first raw bytes come in the same packet as the headers.
        const std::string bytes =
            "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw:";
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
        char piece[16];
        const auto got = co_await socket.async_read_some(asio::buffer(piece), asio::use_awaitable);
        co_await asio::async_write(socket, asio::buffer(piece, got), asio::use_awaitable);
      });
  auto client = [](std::uint16_t port) -> asio::awaitable<std::string> {
    HttpRequest request;
    request.method = "POST";
    request.upgrade = "tcp";
    auto stream = co_await http_open(local(port), request, Deadline::after(5s));
    EXPECT_TRUE(stream);
    EXPECT_EQ(stream->status(), 101U);
    const std::string ping = "ping";
    EXPECT_TRUE(co_await stream->write(asio::buffer(ping), Deadline::after(5s)));
    std::string all;
    for (;;) {
      char piece[3];
      const auto got = co_await stream->read_some(asio::buffer(piece), Deadline::after(5s));
      EXPECT_TRUE(got);
      if (!got || *got == 0) break;
      all.append(piece, *got);
    }
    co_return all;
  };
  EXPECT_EQ(run_coro(loop, client(server.port())), "raw:ping");
}

TEST(HttpClient, SpeaksOverAUnixSocket) {
  const auto path = (std::filesystem::temp_directory_path() / "caisson-http-test.sock").string();
  std::filesystem::remove(path);
  asio::io_context loop(1);
  asio::local::stream_protocol::acceptor acceptor(loop, path);
  auto serve = [](auto& listening) -> asio::awaitable<void> {
    auto socket = co_await listening.async_accept(asio::use_awaitable);
    char piece[4096];
    co_await socket.async_read_some(asio::buffer(piece), asio::use_awaitable);
    const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
  };
  auto served = asio::co_spawn(loop, serve(acceptor), asio::use_future);
  const auto url = parse_url("unix://" + path);
  ASSERT_TRUE(url);
  const auto done = run_coro(loop, http_fetch(url->target, {}, Deadline::after(5s)));
  std::filesystem::remove(path);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->body, "ok");
}

TEST(HttpProxyUse, APlainRequestGoesToTheProxyWithItsWholeUrl) {
  asio::io_context loop(1);
  ByteServer server(loop, answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  HttpTarget target = local(80);
  target.host = "api.example.org";
  target.proxy = HttpProxy{"127.0.0.1", server.port(), "Basic eDp5"};
  HttpRequest request;
  request.target = "/v1";
  const auto done = run_coro(loop, http_fetch(target, request, Deadline::after(5s)));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(server.request().starts_with(
      "GET http://api.example.org/v1 HTTP/1.1\r\nHost: api.example.org\r\n"));
  EXPECT_NE(server.request().find("Proxy-Authorization: Basic eDp5\r\n"), std::string::npos);
}

TEST(HttpProxyUse, ARefusedTunnelIsSaid) {
  asio::io_context loop(1);
  ByteServer server(loop, answer("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"));
  HttpTarget target = local(443);
  target.transport = HttpTarget::Transport::tls;
  target.host = "api.example.org";
  target.proxy = HttpProxy{"127.0.0.1", server.port(), ""};
  const auto done = run_coro(loop, http_fetch(target, {}, Deadline::after(5s)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unauthorized);
  EXPECT_NE(done.error().message.find("refuses a tunnel to api.example.org:443 (status 407"),
            std::string::npos)
      << done.error().message;
  EXPECT_TRUE(server.request().starts_with("CONNECT api.example.org:443 HTTP/1.1\r\n"));
}

}  // namespace
}  // namespace caisson
