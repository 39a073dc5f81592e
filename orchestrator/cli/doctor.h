// What `caisson doctor` looks at, in two files: the host and its files (doctor.cpp), the programs
// that start containers (doctor_engines.cpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "orchestrator/app/config.h"

namespace caisson {

struct Check {
  enum class Result { good, degraded, bad };
  std::string what;
  Result result = Result::good;
  std::string finding;
  std::string advice;  // what to do about it; empty: nothing
};

// For each backend: whether it works, the versions of its programs with the known holes of each,
// the image, and what each bundled policy keeps. Returns whether one can start sandboxes.
boost::asio::awaitable<bool> check_engines(const Config& config, std::vector<Check>& checks);

}  // namespace caisson
