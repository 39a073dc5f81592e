// A ContainerSpec as the body of the Engine API's POST /containers/create.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/container/docker_api.h"
#include "sandbox/container/spec.h"

namespace caisson {

// What of the image matters: the digest that is really run, and the volumes that it declares.
// Docker would make each of them a writable directory on its disk without a limit; ours become
// empty read-only tmpfs.
struct DockerImage {
  std::string id;
  std::vector<std::string> volumes;
};

// `guest_volume`: name of the volume with the guest's files, with GuestDelivery::volume.
// Errors: bad_input (check_spec, a filter that is missing).
Result<nlohmann::json> docker_create_body(const ContainerSpec& spec, const DockerImage& image,
                                          const DockerFacts& facts,
                                          const std::string& guest_volume = "");

}  // namespace caisson
