// A Docker daemon for tests: the one that runs, or one of their own for as long as they need it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sandbox/base/http_client.h"
#include "sandbox/base/process.h"

namespace caisson::test {

class DockerDaemon {
 public:
  // Takes the daemon of DOCKER_HOST or the default socket when it answers, or else starts a
  // dockerd with its own data in a temporary directory and waits until that answers.
  DockerDaemon();
  // Stops what it started, by its process, and removes its mounts and data.
  ~DockerDaemon();
  DockerDaemon(const DockerDaemon&) = delete;
  DockerDaemon& operator=(const DockerDaemon&) = delete;

  // Nothing: there is none to be had, and why_not() says why.
  const std::optional<HttpTarget>& target() const { return target_; }
  const std::string& why_not() const { return why_not_; }
  bool started_here() const { return !directory_.empty(); }

 private:
  void start();

  std::optional<HttpTarget> target_;
  std::string why_not_;
  std::filesystem::path directory_;
  std::optional<Child> process_;
};

}  // namespace caisson::test
