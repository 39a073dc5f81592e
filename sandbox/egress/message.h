// HTTP/1.1 messages as the proxy takes them: strictly, so that what it checks is what the next
// server reads. Bytes in, values out, no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/http_client.h"
#include "sandbox/base/result.h"

namespace caisson {

// Without regard to case, of ASCII letters.
bool same_word(std::string_view one, std::string_view other);

struct RequestHead {
  std::string method;
  std::string target;
  int minor = 1;  // HTTP/1.0 or 1.1
  HttpHeaders fields;
};
struct ResponseHead {
  unsigned status = 0;
  std::string reason;
  int minor = 1;
  HttpHeaders fields;
};

// Bytes of the first head in `bytes` with the empty line at its end, or nothing while that is not
// there.
std::optional<std::size_t> head_size(std::string_view bytes);

// `head` is what head_size() found. Refused (protocol): lines that do not end in CR LF, folded
// fields, spaces before a colon, control characters, other versions than 1.0 and 1.1.
Result<RequestHead> parse_request(std::string_view head);
Result<ResponseHead> parse_response(std::string_view head);

// Where a body ends.
struct Framing {
  enum class Kind { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t bytes = 0;  // with `length`
  bool operator==(const Framing&) const = default;
};
// Refused (protocol): a length and a transfer encoding, two lengths, a length that is no number,
// encodings other than "chunked".
Result<Framing> framing_of(const RequestHead& request);
Result<Framing> framing_of(const ResponseHead& response, std::string_view method);

// A request to a proxy, in absolute form, or CONNECT.
struct ProxyTarget {
  bool tunnel = false;
  std::string host;  // canonical
  std::uint16_t port = 0;
  std::string path;  // with query; not of a tunnel
};
// Error: bad_input, with the reason: no absolute form, a host that has no canonical form, not
// exactly one Host field, one of another host.
Result<ProxyTarget> target_of(const RequestHead& request);

// The fields that are for the next server alone, without those of one hop (Connection and what it
// names, Upgrade, TE …), of framing, and Host.
HttpHeaders end_to_end(const HttpHeaders& fields);

// Text for a head; nothing in it can end a line.
std::string to_text(const HttpHeaders& fields);

}  // namespace caisson
