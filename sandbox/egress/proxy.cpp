#include "sandbox/egress/proxy.h"

#include <algorithm>
#include <boost/asio/local/stream_protocol.hpp>
#include <exception>
#include <utility>

#include "sandbox/base/async.h"
#include "sandbox/base/http_transport.h"
#include "sandbox/egress/connection.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

// Lines that wait for the sandbox to connect, so that it need not wait for one.
constexpr unsigned spare_lines = 2;
// Connections beyond the limit that are told so at the same time.
constexpr unsigned turned_away_at_once = 16;
// New lines a minute, beyond those of a first burst: who connects and hangs up again and again must
// not keep this process busy, which has other sandboxes as well.
constexpr unsigned lines_per_minute = 1200;
// Refusals a minute that are written down one by one.
constexpr unsigned told_per_minute = 120;

}  // namespace

Result<std::unique_ptr<EgressProxy>> EgressProxy::make(asio::any_io_executor executor,
                                                       const Policy& policy,
                                                       EgressOptions options) {
  auto credentials = load_credentials(policy);
  if (!credentials) return credentials.error();
  auto journal = EgressJournal::open(options.journal);
  if (!journal) return journal.error();
  return std::unique_ptr<EgressProxy>(new EgressProxy(
      executor, policy, std::move(options), std::move(*credentials), std::move(*journal)));
}

EgressProxy::EgressProxy(asio::any_io_executor executor, const Policy& policy,
                         EgressOptions options, std::vector<Credential> credentials,
                         EgressJournal journal)
    : executor_(executor),
      policy_(policy),
      options_(std::move(options)),
      credentials_(std::move(credentials)),
      journal_(std::move(journal)),
      rate_(policy.network.egress.requests_per_minute),
      told_(told_per_minute),
      new_lines_(lines_per_minute),
      change_(executor) {}

asio::awaitable<void> EgressProxy::run() {
  Nursery lines(executor_);
  lines.start(keep_lines(lines));
  co_await lines.join();
}

asio::awaitable<void> EgressProxy::keep_lines(Nursery& lines) {
  const auto most = policy_.network.egress.max_connections + turned_away_at_once;
  for (;;) {
    while (waiting_ < spare_lines && waiting_ + active_ < most) {
      ++waiting_;
      lines.start(serve_line());
    }
    co_await change_.wait();
    // A line that is started after the cancellation would never hear of it.
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
  }
}

asio::awaitable<void> EgressProxy::serve_line() {
  // Who waits on a line, or is served, is counted until the coroutine ends in whichever way.
  struct Count {
    EgressProxy& proxy;
    unsigned* of;
    ~Count() {
      --*of;
      proxy.change_.notify();
    }
    void move_to(unsigned& other) {
      ++other;
      --*std::exchange(of, &other);
      proxy.change_.notify();
    }
  } count{*this, &waiting_};
  while (!new_lines_.take()) co_await sleep_for(50ms);
  auto fd = options_.open_line();
  if (!fd || !*fd) {
    co_await sleep_for(250ms);  // init has ended, or is very busy
    co_return;
  }
  HttpTransport guest(
      HttpTransport::Socket(executor_, asio::local::stream_protocol(), fd->release()));
  try {
    char in_use = 0;
    const auto got = co_await guest.read_some(asio::buffer(&in_use, 1), Deadline::never());
    if (got != 1) co_return;
    count.move_to(active_);
    EgressConnection connection(*this, guest);
    if (active_ > policy_.network.egress.max_connections) {
      co_await connection.refuse_all(
          {429, "too_many_connections", "", rule_text(policy_, "network.egress.max_connections"),
           "So many connections are open at once that no more are allowed: close some."});
    } else {
      co_await connection.serve();
    }
  } catch (const std::exception&) {
    // The connection broke, on either side, and there is nobody left to tell.
  }
}

const Credential* EgressProxy::credential_for(const std::string& host) const {
  const auto found = std::find_if(credentials_.begin(), credentials_.end(),
                                  [&](const auto& each) { return each.host == host; });
  return found == credentials_.end() ? nullptr : &*found;
}

Result<std::shared_ptr<TlsContext>> EgressProxy::tls() {
  if (tls_) return tls_;
  auto made = make_tls({options_.settings.ca_file, "", ""});
  if (made) tls_ = *made;
  return made;
}

}  // namespace caisson
