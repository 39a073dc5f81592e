// One connection of a sandbox to its proxy, on the stack of the line that it came by. Private to
// proxy.cpp, connection.cpp, tunnel.cpp and forward.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/http_transport.h"
#include "sandbox/egress/message.h"
#include "sandbox/egress/proxy.h"
#include "sandbox/policy/egress_verdict.h"

namespace caisson {

class EgressConnection {
 public:
  EgressConnection(EgressProxy& proxy, HttpTransport& guest);

  // Serves requests until either side ends. Throws what the transports throw.
  boost::asio::awaitable<void> serve();
  // Answers the first request with this refusal.
  boost::asio::awaitable<void> refuse_all(Refusal refusal);

 private:
  // What the journal learns of a request, from its first byte to its end.
  struct Request {
    RequestHead head;
    ProxyTarget target;
    EgressRecord record;
    Clock::time_point started = Clock::now();
    std::uint64_t up_before = 0;  // of the connection
    std::uint64_t down_before = 0;
    bool written = false;  // its line in the journal
    std::string subject() const;
  };
  enum class Next { request, close };

  // connection.cpp
  boost::asio::awaitable<std::optional<std::string>> read_head(HttpTransport& from,
                                                               std::string& buffer,
                                                               Deadline deadline);
  boost::asio::awaitable<Next> serve_one(std::string head);
  boost::asio::awaitable<Next> answer(Request& request, const std::string& head);
  boost::asio::awaitable<Next> refuse(Request& request, Refusal refusal);
  // The host did not do as it should: no matter of the policy.
  boost::asio::awaitable<Next> fail(Request& request, unsigned status, std::string why);
  void note(Request& request, const Refusal& refusal);
  boost::asio::awaitable<void> linger();
  void finish(Request& request, std::string verdict);
  Refusal limit_reached(const char* leaf, std::string hint) const;
  // Resolves, checks and dials; speaks TLS when the verdict says so. Nothing: the sandbox has its
  // answer.
  boost::asio::awaitable<std::unique_ptr<HttpTransport>> dial(Request& request,
                                                              const EgressVerdict& verdict);
  // At least one byte, appended; false at the end, and when nothing came in time.
  boost::asio::awaitable<bool> read_more(HttpTransport& from, std::string& buffer,
                                         Deadline deadline);
  boost::asio::awaitable<void> write(HttpTransport& to, std::string_view bytes);
  Deadline idle() const;

  // tunnel.cpp
  boost::asio::awaitable<Next> tunnel(Request& request, const EgressVerdict& verdict);
  boost::asio::awaitable<std::string> read_hello(const std::string& host);
  boost::asio::awaitable<void> pump(HttpTransport& from, HttpTransport& to, std::uint64_t& bytes,
                                    std::uint64_t limit, std::string& over, const char* leaf);

  // forward.cpp
  boost::asio::awaitable<Next> forward(Request& request, const EgressVerdict& verdict,
                                       Framing framing);
  boost::asio::awaitable<bool> send_request(Request& request, HttpTransport& host, Framing framing,
                                            const Credential* credential);
  boost::asio::awaitable<Next> pass_response(Request& request, HttpTransport& host,
                                             const Credential* credential);
  boost::asio::awaitable<bool> pass_body(Request& request, HttpTransport& host, std::string& buffer,
                                         Framing framing, bool chunked,
                                         const Credential* credential);

  EgressProxy& proxy_;
  HttpTransport& guest_;
  const Deadline end_;
  std::string input_;  // of the guest, not yet used
  std::uint64_t up_ = 0;
  std::uint64_t down_ = 0;
  Clock::time_point last_byte_ = Clock::now();
};

}  // namespace caisson
