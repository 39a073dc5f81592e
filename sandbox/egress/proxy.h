// The one way out of a sandbox with network.mode: proxy. It runs on the host, keeps lines to the
// sandbox's init open (guest/init/relay.h), and serves an HTTP proxy on each: CONNECT for TLS whose
// first message it reads, and plain requests, which it sends on encrypted where the rule is for
// port 443. Nothing that arrives there is believed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/base/condition.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/http_client.h"
#include "sandbox/base/nursery.h"
#include "sandbox/egress/credentials.h"
#include "sandbox/egress/journal.h"
#include "sandbox/egress/rate.h"
#include "sandbox/egress/refusal.h"
#include "sandbox/egress/resolve.h"
#include "sandbox/policy/policy.h"

namespace caisson {

struct EgressTimes {
  std::chrono::milliseconds head{10000};  // from the first wait to the end of a request's headers
  std::chrono::milliseconds connect{10000};  // resolve, connect and TLS together
  std::chrono::milliseconds idle{60000};     // without a byte either way
  std::chrono::milliseconds total{900000};   // of a connection of the sandbox
};

// What the program sets, and no policy.
struct EgressSettings {
  std::string ca_file;  // PEM, instead of the system's authorities
  Resolve resolve = resolve_by_system;
  EgressTimes times;
};

struct EgressOptions {
  // A new connection to init's socket; an empty one when it does not listen.
  std::function<Result<OwnedFd>()> open_line;
  std::filesystem::path journal;
  EgressSettings settings;
  std::function<void(const Refusal&)> on_refusal;
};

class EgressProxy {
 public:
  // Errors: bad_input (a secret is not there), io (the journal). `policy` outlives the proxy.
  static Result<std::unique_ptr<EgressProxy>> make(boost::asio::any_io_executor executor,
                                                   const Policy& policy, EgressOptions options);
  EgressProxy(const EgressProxy&) = delete;
  EgressProxy& operator=(const EgressProxy&) = delete;

  // Serves until it is cancelled; then every connection is closed and joined.
  boost::asio::awaitable<void> run();

  const EgressTotals& totals() const { return journal_.totals(); }
  // Whose it is, for the journal.
  void set_session(std::string name) { journal_.set_session(std::move(name)); }

 private:
  friend class EgressConnection;

  EgressProxy(boost::asio::any_io_executor executor, const Policy& policy, EgressOptions options,
              std::vector<Credential> credentials, EgressJournal journal);
  boost::asio::awaitable<void> keep_lines(Nursery& lines);
  boost::asio::awaitable<void> serve_line();
  const Credential* credential_for(const std::string& host) const;
  // Made when it is first needed: reading the authorities takes milliseconds. Error: bad_input.
  Result<std::shared_ptr<TlsContext>> tls();

  boost::asio::any_io_executor executor_;
  const Policy& policy_;
  EgressOptions options_;
  std::vector<Credential> credentials_;
  EgressJournal journal_;
  RateLimit rate_;
  RateLimit told_;  // refusals that the journal and the block hear of
  RateLimit new_lines_;
  std::shared_ptr<TlsContext> tls_;
  Condition change_;
  unsigned waiting_ = 0;  // lines that nobody uses yet
  unsigned active_ = 0;
};

}  // namespace caisson
