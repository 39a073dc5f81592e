// A small HTTP server on loopback that plays prepared answers, one a connection, in order.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace caisson::test {

struct HttpAnswer {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> pieces;  // of the body, each written by itself
  std::chrono::milliseconds before_each{0};
  // chunked: a piece a chunk. length: Content-Length over all. until_close: neither.
  // nothing: not even a status line.
  enum class Framing { chunked, length, until_close, nothing };
  Framing framing = Framing::chunked;
  // break_off: closes without the last chunk. hang: says no more and waits for the client to close.
  enum class End { whole, break_off, hang };
  End end = End::whole;
};

// A stream of events that ends well.
HttpAnswer event_stream(std::vector<std::string> pieces);
HttpAnswer body(unsigned status, std::string content_type, std::string text);

struct SeenRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class HttpServer {
 public:
  HttpServer(boost::asio::any_io_executor executor, std::vector<HttpAnswer> answers);

  std::string url() const;  // "http://127.0.0.1:4711"
  // Plays the answers; returns when all are played, or after stop().
  boost::asio::awaitable<void> serve();
  // Takes no new connections; the current one is served to its end.
  void stop();

  const std::vector<SeenRequest>& requests() const { return requests_; }
  // How often a client closed a connection on which an answer hung.
  int closed_by_client() const { return closed_by_client_; }

 private:
  boost::asio::awaitable<void> play(boost::asio::ip::tcp::socket& socket, const HttpAnswer& answer);

  boost::asio::ip::tcp::acceptor acceptor_;
  std::vector<HttpAnswer> answers_;
  std::vector<SeenRequest> requests_;
  int closed_by_client_ = 0;
};

}  // namespace caisson::test
