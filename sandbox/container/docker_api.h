// The Docker Engine API as a few calls with errors for people. Private to docker.cpp and its tests.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "sandbox/base/deadline.h"
#include "sandbox/base/http_client.h"
#include "sandbox/base/result.h"

namespace caisson {

// What the user's environment says about the daemon, read by the caller: DOCKER_HOST,
// DOCKER_CERT_PATH and DOCKER_TLS_VERIFY.
struct DockerEnvironment {
  std::string host;        // empty: unix:///var/run/docker.sock
  std::string cert_path;   // directory with ca.pem, cert.pem and key.pem
  std::string tls_verify;  // not empty: TLS; certificates are always verified
};

// Errors: bad_input (what is wrong with which variable), unsupported (ssh://).
Result<HttpTarget> docker_target(const DockerEnvironment& environment);

// What the daemon can do; what a spec asks for beyond it is a missing guarantee.
struct DockerFacts {
  std::string version;      // "20.10.24"
  std::string api_version;  // that we speak with it
  std::string runc_version;
  bool memory_limit = true;
  bool swap_limit = true;
  bool cpu_quota = true;
  bool pids_limit = true;
  bool seccomp = true;
  bool rootless = false;
  double cpus = 0;  // of the host; Docker refuses a share above it. 0: not known
};

class DockerApi {
 public:
  explicit DockerApi(HttpTarget daemon) : daemon_(std::move(daemon)) {}

  // The daemon's facts, asked once. Errors: unavailable (it does not answer, and what to do),
  // unsupported (API older than 1.41).
  boost::asio::awaitable<Result<DockerFacts>> facts(Deadline deadline);
  const std::optional<DockerFacts>& known_facts() const { return facts_; }

  // One call, answered with JSON (null when there is no body). `path` begins behind the version.
  // Errors: not_found (404), bad_input (400), closed (409: in conflict with what is), unavailable,
  // io (anything else that the daemon says).
  boost::asio::awaitable<Result<nlohmann::json>> call(std::string method, std::string path,
                                                      nlohmann::json body, Deadline deadline);
  // The same for any body; the answer's text comes back.
  boost::asio::awaitable<Result<std::string>> send(HttpRequest request, Deadline deadline);
  // A connection that is taken over.
  boost::asio::awaitable<Result<HttpStream>> hijack(std::string path, Deadline deadline);

  const HttpTarget& daemon() const { return daemon_; }

 private:
  Error explain(const Error& error) const;

  const HttpTarget daemon_;
  std::optional<DockerFacts> facts_;
};

// For a value in a path or query.
std::string percent_encoded(const std::string& text);

}  // namespace caisson
