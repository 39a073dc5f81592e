// Which backend to use: the user's word, or what this host has.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "sandbox/container/backend.h"
#include "sandbox/container/docker_api.h"
#include "sandbox/container/oci_runtime.h"

namespace caisson {

struct BackendSettings {
  std::string wanted = "auto";  // auto, docker, runc, crun
  DockerEnvironment docker;     // as the caller found it in the environment
  std::string docker_image;     // auto takes Docker only when it has this one; empty: any
  RuncOptions runc;             // its program is not used when `wanted` names one
};

struct ChosenBackend {
  std::unique_ptr<Backend> backend;
  std::string why;  // one line: "docker (Docker Engine 20.10.24 (API 1.41), runc 1.1.5)"
};

// With `auto`: Docker, when a daemon on this host answers within a second and has the image; or
// else runc. Errors: bad_input (an unknown name), unavailable and unsupported (what was asked for
// cannot be used, or nothing can: the message has the reasons of both and what to do).
boost::asio::awaitable<Result<ChosenBackend>> choose_backend(BackendSettings settings,
                                                             Deadline deadline);

}  // namespace caisson
