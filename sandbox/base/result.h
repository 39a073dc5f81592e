// The two ways in which our own operations fail. How user code ended is neither of them: that is an
// Outcome (sandbox/session/outcome.h), a value that has no business here.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace caisson {

enum class Errc {
  bad_input,     // what the caller gave us is wrong: a flag, a file, a block
  bad_policy,    // a policy that does not parse or that we refuse to compile
  not_found,     // a file, an image, a session that is not there
  unavailable,   // a daemon, a runtime or a server that does not answer
  unauthorized,  // 401, 403
  rate_limited,  // 429
  timed_out,
  closed,       // the other side ended the conversation
  unsupported,  // this host or backend cannot do it
  too_large,
  protocol,  // the other side said something that makes no sense
  io,        // disk, permissions
};

// A failure that the caller is expected to meet. The message is for a person and says what, where
// and what to do, in one or a few lines without a full stop at the end of a single line.
struct Error {
  Errc code = Errc::io;
  std::string message;

  Error() = default;  // boost::system::result asks for it
  Error(Errc code_, std::string message_) : code(code_), message(std::move(message_)) {}
  bool operator==(const Error&) const = default;
};

// Something that we rely on is gone in the middle of our work (daemon, disk, channel). Thrown; not
// caught in logic, only where the damage ends: the sandbox driver, a request, main.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// For Result::value() on an error: turns an expected failure into a Fault.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  throw Fault(error.message);
}

template <class T>
using Result = boost::system::result<T, Error>;

}  // namespace caisson
