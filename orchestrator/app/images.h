// Which image a name means on which backend.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "orchestrator/app/config.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"
#include "sandbox/container/backend.h"

namespace caisson {

// What Backend::start takes for config.image. A plain name ("python") is an image that
// images/python/build has made in the state directory: a root file system for runc; for Docker its
// archive is imported the first time, as caisson/<name>:<digest>. Anything else is a Docker
// reference, or for runc a directory.
//
// Errors: not_found, with the command that builds or pulls it; those of the backend.
boost::asio::awaitable<Result<std::string>> find_image(Backend& backend, const Config& config,
                                                       Deadline deadline);

}  // namespace caisson
