#include "sandbox/egress/resolve.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>
#include <memory>

#include "sandbox/base/async.h"
#include "sandbox/base/fd.h"

namespace caisson {
namespace {

// What the thread and the coroutine share; getaddrinfo(3) cannot be stopped, so the thread may
// outlive the wait.
struct Lookup {
  std::string host;
  OwnedFd done{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::vector<Address> found;
  int error = 0;

  void run() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    // A name is asked for as it is: search domains would make another one of it. Thread-local, and
    // read again by res_init(3).
    ::res_init();
    _res.options &= ~static_cast<unsigned long>(RES_DNSRCH | RES_DEFNAMES);
    addrinfo* list = nullptr;
    error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    for (const auto* entry = list; entry != nullptr; entry = entry->ai_next) {
      Address address;
      address.v6 = entry->ai_family == AF_INET6;
      if (address.v6) {
        const auto* in = reinterpret_cast<const sockaddr_in6*>(entry->ai_addr);
        std::memcpy(address.bytes.data(), &in->sin6_addr, 16);
      } else if (entry->ai_family == AF_INET) {
        const auto* in = reinterpret_cast<const sockaddr_in*>(entry->ai_addr);
        std::memcpy(address.bytes.data(), &in->sin_addr, 4);
      } else {
        continue;
      }
      if (std::find(found.begin(), found.end(), address) == found.end()) found.push_back(address);
    }
    if (list != nullptr) ::freeaddrinfo(list);
    const std::uint64_t one = 1;
    static_cast<void>(!::write(done.get(), &one, sizeof one));
  }
};

asio::thread_pool& name_pool() {
  static asio::thread_pool pool(8);
  return pool;
}

asio::awaitable<void> wait_readable(int fd) {
  asio::posix::stream_descriptor descriptor(co_await asio::this_coro::executor, ::dup(fd));
  co_await descriptor.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
}

}  // namespace

asio::awaitable<Result<std::vector<Address>>> resolve_by_system(std::string host,
                                                                Deadline deadline) {
  auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  asio::post(name_pool(), [lookup] { lookup->run(); });
  if (!co_await with_timeout(wait_readable(lookup->done.get()), deadline)) {
    co_return Error(Errc::timed_out, fmt::format("the name {} was not resolved in time", host));
  }
  if (lookup->error != 0 || lookup->found.empty()) {
    co_return Error(Errc::unavailable,
                    fmt::format("the name {} cannot be resolved: {}", host,
                                lookup->error == 0 ? "no address" : ::gai_strerror(lookup->error)));
  }
  co_return std::move(lookup->found);
}

std::vector<Address> open_addresses(const Policy& policy, const std::vector<Address>& found,
                                    std::string& closed) {
  std::vector<Address> open;
  for (const auto& address : found) {
    const auto why = closed_range(address);
    const auto& exempt = policy.network.egress.exempt;
    const bool opened = std::any_of(exempt.begin(), exempt.end(), [&](const auto& text) {
      const auto range = parse_cidr(text);
      return range && contains(*range, address);
    });
    if (why.empty() || opened) {
      open.push_back(address);
    } else {
      closed = fmt::format("{} ({})", to_text(address), why);
    }
  }
  return open;
}

}  // namespace caisson
