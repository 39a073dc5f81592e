// Everything that comes from flags and the environment, in one value. Only app/ and cli/ read
// either of them; what lies below gets its settings as arguments.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/base/result.h"

namespace caisson {

struct Config {
  // Sandboxes.
  std::string backend = "auto";       // auto, docker or runc
  std::string policy = "standard";    // a bundled policy's name or a file
  std::vector<std::string> ceilings;  // policies that no other may exceed: the host's, the user's
  // One of ours by name, a Docker reference, or a directory; empty: the policy's runtime.image,
  // else "python".
  std::string image;
  std::filesystem::path state_dir;    // images/, sandboxes/, sessions/
  std::filesystem::path guest_dir;    // init and worker/, mounted into every container
  std::filesystem::path attacks_dir;  // run.py and the attacks of `caisson probe`
  std::string docker_host;            // unix:///…, tcp://…; empty: the default socket
  std::string docker_cert_path;       // directory with ca.pem, cert.pem and key.pem
  std::string docker_tls_verify;      // not empty: TLS

  // Models.
  std::string model = "gpt-4o-mini";  // or script:FILE
  std::string base_url = "https://api.openai.com/v1";
  std::string api_key;  // never printed
  std::string https_proxy;
  std::string http_proxy;
  std::string no_proxy;
  std::string ca_file;  // extra certificate authorities, PEM
};

// The defaults of this machine and user, with what the environment says on top:
// CAISSON_STATE, CAISSON_GUEST, CAISSON_ATTACKS, CAISSON_BACKEND, CAISSON_POLICY, CAISSON_CEILING
// (beside /etc/caisson/ceiling.yaml, when it is there), CAISSON_IMAGE, CAISSON_MODEL,
// CAISSON_BASE_URL (or OPENAI_BASE_URL), OPENAI_API_KEY, DOCKER_HOST, DOCKER_CERT_PATH,
// DOCKER_TLS_VERIFY, HTTPS_PROXY, HTTP_PROXY, NO_PROXY, SSL_CERT_FILE.
Config config_from_environment();

}  // namespace caisson
