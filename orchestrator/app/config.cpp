#include "orchestrator/app/config.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace caisson {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// The first that is set; proxies are spelled both ways.
std::string variable(const char* name, const char* other) {
  auto value = variable(name);
  return value.empty() ? variable(other) : value;
}

void take(const char* name, std::string& setting) {
  if (auto value = variable(name); !value.empty()) setting = std::move(value);
}

std::filesystem::path default_state_dir() {
  if (auto value = variable("CAISSON_STATE"); !value.empty()) return value;
  if (::geteuid() == 0) return "/var/lib/caisson";
  if (auto value = variable("XDG_STATE_HOME"); !value.empty())
    return std::filesystem::path(value) / "caisson";
  auto home = variable("HOME");
  if (home.empty()) {
    if (const auto* user = ::getpwuid(::geteuid()); user != nullptr) home = user->pw_dir;
  }
  return std::filesystem::path(home) / ".local/state/caisson";
}

// Beside the program, where the build puts them.
std::filesystem::path companion(const char* name, const char* folder) {
  if (auto value = variable(name); !value.empty()) return value;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? folder : program.parent_path() / folder;
}

}  // namespace

Config config_from_environment() {
  Config config;
  config.state_dir = default_state_dir();
  config.guest_dir = companion("CAISSON_GUEST", "guest");
  config.attacks_dir = companion("CAISSON_ATTACKS", "attacks");
  take("CAISSON_BACKEND", config.backend);
  take("CAISSON_POLICY", config.policy);
  // One that cannot be looked at is there: loading it says why.
  constexpr auto of_this_host = "/etc/caisson/ceiling.yaml";
  std::error_code error;
  if (std::filesystem::exists(of_this_host, error) || error) {
    config.ceilings.emplace_back(of_this_host);
  }
  if (auto own = variable("CAISSON_CEILING"); !own.empty()) config.ceilings.push_back(own);
  take("CAISSON_IMAGE", config.image);
  take("CAISSON_MODEL", config.model);
  config.docker_host = variable("DOCKER_HOST");
  config.docker_cert_path = variable("DOCKER_CERT_PATH");
  config.docker_tls_verify = variable("DOCKER_TLS_VERIFY");
  take("OPENAI_BASE_URL", config.base_url);
  take("CAISSON_BASE_URL", config.base_url);
  config.api_key = variable("OPENAI_API_KEY");
  config.https_proxy = variable("HTTPS_PROXY", "https_proxy");
  config.http_proxy = variable("HTTP_PROXY", "http_proxy");
  config.no_proxy = variable("NO_PROXY", "no_proxy");
  config.ca_file = variable("SSL_CERT_FILE");
  return config;
}

}  // namespace caisson
