// Names to addresses, once for each request, with a deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"
#include "sandbox/policy/address.h"
#include "sandbox/policy/policy.h"

namespace caisson {

// Errors: unavailable (there is no such name, or nobody answers), timed_out.
using Resolve = std::function<boost::asio::awaitable<Result<std::vector<Address>>>(
    std::string host, Deadline deadline)>;

// getaddrinfo(3), on threads of its own: a name server that does not answer keeps nobody else
// waiting but who asks for names.
boost::asio::awaitable<Result<std::vector<Address>>> resolve_by_system(std::string host,
                                                                       Deadline deadline);

// Those that may be dialled: public ones, and what network.egress.exempt opens. `closed` gets what
// the last of the others is, for a person.
std::vector<Address> open_addresses(const Policy& policy, const std::vector<Address>& found,
                                    std::string& closed);

}  // namespace caisson
