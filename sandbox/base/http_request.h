// The text of a request. Private to http_client.cpp.
#pragma once

#include <cstdint>
#include <string>

#include "sandbox/base/http_client.h"

namespace caisson {

// bad_input for whatever would let a value end its line.
Result<void> check_request(const HttpRequest& request);
// Everything up to the body, which has `length` bytes.
std::string request_head(const HttpTarget& target, const HttpRequest& request,
                         std::uint64_t length);

}  // namespace caisson
