#include "tests/support/http_server.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cctype>
#include <sstream>

#include "sandbox/base/async.h"

namespace caisson::test {
namespace {

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
using asio::ip::tcp;

SeenRequest parse_head(const std::string& head) {
  SeenRequest request;
  std::istringstream lines(head);
  lines >> request.method >> request.target;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "\r") {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto start = line.find_first_not_of(' ', colon + 1);
    request.headers[name] = line.substr(start, line.find('\r') - start);
  }
  return request;
}

std::string head_of(const HttpAnswer& answer) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Whatever\r\n";
  for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
  if (answer.framing == HttpAnswer::Framing::chunked) head += "Transfer-Encoding: chunked\r\n";
  if (answer.framing == HttpAnswer::Framing::length) {
    std::size_t size = 0;
    for (const auto& piece : answer.pieces) size += piece.size();
    head += "Content-Length: " + std::to_string(size) + "\r\n";
  }
  return head + "\r\n";
}

std::string chunk(const std::string& piece) {
  std::ostringstream text;
  text << std::hex << piece.size() << "\r\n" << piece << "\r\n";
  return text.str();
}

}  // namespace

HttpAnswer event_stream(std::vector<std::string> pieces) {
  HttpAnswer answer;
  answer.headers = {{"Content-Type", "text/event-stream; charset=utf-8"}};
  answer.pieces = std::move(pieces);
  return answer;
}

HttpAnswer body(unsigned status, std::string content_type, std::string text) {
  HttpAnswer answer;
  answer.status = status;
  answer.headers = {{"Content-Type", std::move(content_type)}};
  answer.pieces = {std::move(text)};
  answer.framing = HttpAnswer::Framing::length;
  return answer;
}

HttpServer::HttpServer(asio::any_io_executor executor, std::vector<HttpAnswer> answers)
    : acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      answers_(std::move(answers)) {}

std::string HttpServer::url() const {
  return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
}

void HttpServer::stop() {
  acceptor_.close();
}

asio::awaitable<void> HttpServer::serve() {
  for (const HttpAnswer& answer : answers_) {
    auto [error, socket] = co_await acceptor_.async_accept(as_tuple);
    if (error) co_return;
    socket.set_option(tcp::no_delay(true));
    std::string bytes;
    auto [problem, head_size] =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(bytes), "\r\n\r\n", as_tuple);
    if (problem) continue;
    SeenRequest request = parse_head(bytes.substr(0, head_size));
    request.body = bytes.substr(head_size);
    const auto length = request.headers.find("content-length");
    if (length != request.headers.end()) {
      const std::size_t missing = std::stoul(length->second) - request.body.size();
      std::string rest(missing, '\0');
      co_await asio::async_read(socket, asio::buffer(rest), as_tuple);
      request.body += rest;
    }
    requests_.push_back(std::move(request));
    co_await play(socket, answer);
  }
}

asio::awaitable<void> HttpServer::play(tcp::socket& socket, const HttpAnswer& answer) {
  using Framing = HttpAnswer::Framing;
  std::vector<std::string> parts;
  if (answer.framing != Framing::nothing) {
    parts.push_back(head_of(answer));
    for (const std::string& piece : answer.pieces) {
      parts.push_back(answer.framing == Framing::chunked ? chunk(piece) : piece);
    }
  }
  if (answer.end == HttpAnswer::End::whole && answer.framing == Framing::chunked) {
    parts.push_back("0\r\n\r\n");
  }
  for (const std::string& part : parts) {
    if (answer.before_each.count() > 0) co_await sleep_for(answer.before_each);
    auto [error, size] = co_await asio::async_write(socket, asio::buffer(part), as_tuple);
    if (error) co_return;  // the client has read enough
  }
  if (answer.end == HttpAnswer::End::hang) {
    char byte = 0;
    auto [error, size] = co_await socket.async_read_some(asio::buffer(&byte, 1), as_tuple);
    if (error) ++closed_by_client_;
  }
  // A close with unread bytes would be a reset, which may overtake the answer: there are none.
  boost::system::error_code ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace caisson::test
