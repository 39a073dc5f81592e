// What a compiled policy means for init: the body of the `setup` message.
#pragma once

#include <string>

#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"
#include "sandbox/wire/setup.h"

namespace caisson {

// `guest_mount`: where the container sees our files.
wire::Setup make_setup(const Policy& policy, const CompiledPolicy& compiled,
                       const std::string& guest_mount);

}  // namespace caisson
