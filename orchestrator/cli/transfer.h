// Files between this host and a session: --put and --get of `caisson exec`.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/session/session.h"

namespace caisson {

struct TransferFile {
  std::string local;   // path on this host
  std::string remote;  // in the session's working directory
};

// "LOCAL" or "LOCAL:NAME"; without NAME, the file's own. Error: bad_input.
Result<TransferFile> parse_put(const std::string& word);
// "NAME" or "NAME:LOCAL"; without LOCAL, the plain name in the current directory, which must then
// be one: no '/', no control characters, no '-' or '.' in front. Error: bad_input.
Result<TransferFile> parse_get(const std::string& word);

// Error: those of Session::put; not_found, io (the local file).
boost::asio::awaitable<Result<void>> upload(Session& session, TransferFile file);
// Written beside its place and then put there; never through a symbolic link. At most 1 GiB.
// Errors: those of Session::get; io (the local file).
boost::asio::awaitable<Result<void>> download(Session& session, TransferFile file);

}  // namespace caisson
