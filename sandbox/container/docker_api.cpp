#include "sandbox/container/docker_api.h"

#include <fmt/format.h>

#include <charconv>

#include "sandbox/base/json.h"

namespace caisson {

namespace asio = boost::asio;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

// The first one with CgroupnsMode: Docker 20.10.
constexpr int needed_minor = 41;

// "1.41" -> 41; 0 when it is something else.
int minor_of(const std::string& version) {
  int minor = 0;
  if (version.starts_with("1.")) {
    std::from_chars(version.data() + 2, version.data() + version.size(), minor);
  }
  return minor;
}

Errc code_of(unsigned status) {
  switch (status) {
    case 400:
      return Errc::bad_input;
    case 401:
    case 403:
      return Errc::unauthorized;
    case 404:
      return Errc::not_found;
    case 409:
      return Errc::closed;
    default:
      return Errc::io;
  }
}

bool flag(const json& info, const char* name) {
  const auto found = info.find(name);
  return found == info.end() || !found->is_boolean() || found->get<bool>();
}

DockerFacts facts_from(const json& version, const json& info) {
  DockerFacts facts;
  facts.version = get_string(version, "Version");
  const auto components = version.find("Components");
  if (components != version.end() && components->is_array()) {
    for (const auto& component : *components) {
      if (get_string(component, "Name") == "runc") {
        facts.runc_version = get_string(component, "Version");
      }
    }
  }
  facts.memory_limit = flag(info, "MemoryLimit");
  facts.swap_limit = flag(info, "SwapLimit");
  facts.cpu_quota = flag(info, "CpuCfsQuota");
  facts.pids_limit = flag(info, "PidsLimit");
  facts.seccomp = false;
  if (const auto options = info.find("SecurityOptions");
      options != info.end() && options->is_array()) {
    for (const auto& option : *options) {
      if (!option.is_string()) continue;
      const auto& text = option.get_ref<const std::string&>();
      if (text.find("name=seccomp") != text.npos) facts.seccomp = true;
      if (text.find("name=rootless") != text.npos) facts.rootless = true;
    }
  }
  if (const auto cpus = info.find("NCPU"); cpus != info.end() && cpus->is_number()) {
    facts.cpus = cpus->get<double>();
  }
  return facts;
}

}  // namespace

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  for (const char letter : text) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') ||
                       std::string_view("-._~").find(letter) != std::string_view::npos;
    if (plain) {
      encoded += letter;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
  }
  return encoded;
}

Result<HttpTarget> docker_target(const DockerEnvironment& environment) {
  const auto& host = environment.host;
  if (host.starts_with("ssh://")) {
    return Error(Errc::unsupported,
                 fmt::format("DOCKER_HOST={}: ssh is not spoken here; forward the socket (ssh -L "
                             "/tmp/docker.sock:/var/run/docker.sock …) and name it as "
                             "unix:///tmp/docker.sock",
                             host));
  }
  if (host.empty() || host.starts_with("unix://")) {
    auto url = parse_url(host.empty() ? "unix:///var/run/docker.sock" : host);
    if (!url) return Error(Errc::bad_input, "DOCKER_HOST: " + url.error().message);
    return url->target;
  }
  const auto scheme = host.find("://");
  const bool known =
      host.starts_with("tcp://") || host.starts_with("http://") || host.starts_with("https://");
  if (!known) {
    return Error(
        Errc::bad_input,
        fmt::format("DOCKER_HOST={}: write unix:///path/to/socket or tcp://host:port", host));
  }
  const bool secure = host.starts_with("https://") || !environment.tls_verify.empty() ||
                      !environment.cert_path.empty();
  auto url = parse_url((secure ? "https" : "http") + host.substr(scheme));
  if (!url) return Error(Errc::bad_input, "DOCKER_HOST: " + url.error().message);
  if (host.find(':', scheme + 3) == std::string::npos) {
    url->target.port = secure ? 2376 : 2375;
  }
  if (secure) {
    if (environment.cert_path.empty()) {
      return Error(Errc::bad_input,
                   "DOCKER_TLS_VERIFY is set, but DOCKER_CERT_PATH is not: name the directory with "
                   "ca.pem, cert.pem and key.pem");
    }
    TlsOptions options;
    options.ca_file = environment.cert_path + "/ca.pem";
    options.certificate_file = environment.cert_path + "/cert.pem";
    options.key_file = environment.cert_path + "/key.pem";
    auto tls = make_tls(options);
    if (!tls) return Error(Errc::bad_input, "DOCKER_CERT_PATH: " + tls.error().message);
    url->target.tls = std::move(*tls);
  }
  return url->target;
}

Error DockerApi::explain(const Error& error) const {
  const char* start = daemon_.transport == HttpTarget::Transport::unix_socket
                          ? "Start it (systemctl start docker), set DOCKER_HOST, or do without "
                            "(--backend runc)"
                          : "Look at DOCKER_HOST, or do without (--backend runc)";
  switch (error.code) {
    case Errc::unauthorized:
      return Error(Errc::unavailable,
                   fmt::format("Docker: {}\nRun as root, join the group docker (usermod -aG docker "
                               "$USER, then log in again), or do without (--backend runc)",
                               error.message));
    case Errc::unavailable:
    case Errc::timed_out:
    case Errc::protocol:
    case Errc::closed:
      return Error(error.code == Errc::timed_out ? Errc::timed_out : Errc::unavailable,
                   fmt::format("Docker does not answer: {}\n{}", error.message, start));
    default:
      return Error(error.code, "Docker: " + error.message);
  }
}

asio::awaitable<Result<DockerFacts>> DockerApi::facts(Deadline deadline) {
  if (facts_) co_return *facts_;
  HttpRequest ask;
  ask.target = "/version";
  auto response = co_await http_fetch(daemon_, ask, deadline);
  if (!response) co_return explain(response.error());
  auto version = parse_json(response->body);
  if (response->status != 200 || !version || !version->is_object()) {
    co_return Error(Errc::unavailable,
                    fmt::format("{} answers, but not as a Docker daemon does (status {})",
                                daemon_.description(), response->status));
  }
  const auto api = get_string(*version, "ApiVersion");
  if (minor_of(api) < needed_minor) {
    co_return Error(
        Errc::unsupported,
        fmt::format("Docker {} at {} is too old: API {} where 1.{} is needed (Docker "
                    "20.10)",
                    get_string(*version, "Version"), daemon_.description(), api, needed_minor));
  }
  // New daemons drop old versions: then the oldest that it still speaks.
  const int minor = std::max(needed_minor, minor_of(get_string(*version, "MinAPIVersion")));
  ask.target = fmt::format("/v1.{}/info", minor);
  response = co_await http_fetch(daemon_, ask, deadline);
  if (!response) co_return explain(response.error());
  auto info = parse_json(response->body);
  if (!info || !info->is_object()) info = json::object();
  auto facts = facts_from(*version, *info);
  facts.api_version = fmt::format("1.{}", minor);
  facts_ = facts;
  co_return facts;
}

asio::awaitable<Result<std::string>> DockerApi::send(HttpRequest request, Deadline deadline) {
  auto known = co_await facts(deadline);
  if (!known) co_return known.error();
  request.target = "/v" + known->api_version + request.target;
  auto response = co_await http_fetch(daemon_, std::move(request), deadline);
  if (!response) co_return explain(response.error());
  if (response->status < 300) co_return std::move(response->body);
  const auto body = parse_json(response->body);
  auto message = body && body->is_object() ? get_string(*body, "message") : response->body;
  if (message.empty()) message = fmt::format("status {}", response->status);
  co_return Error(code_of(response->status), "Docker: " + message);
}

asio::awaitable<Result<json>> DockerApi::call(std::string method, std::string path, json body,
                                              Deadline deadline) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(path);
  if (!body.is_null()) {
    request.body = to_text(body);
    request.headers.emplace_back("Content-Type", "application/json");
  }
  // Waiting is the caller's: its deadline bounds it.
  request.timeouts.first_byte = 0ms;
  request.timeouts.idle = 0ms;
  auto text = co_await send(std::move(request), deadline);
  if (!text) co_return text.error();
  if (text->empty()) co_return json();
  auto answer = parse_json(*text);
  if (!answer) {
    co_return Error(Errc::protocol, "Docker's answer cannot be read: " + answer.error().message);
  }
  co_return std::move(*answer);
}

asio::awaitable<Result<HttpStream>> DockerApi::hijack(std::string path, Deadline deadline) {
  auto known = co_await facts(deadline);
  if (!known) co_return known.error();
  HttpRequest request;
  request.method = "POST";
  request.target = "/v" + known->api_version + path;
  request.upgrade = "tcp";
  request.timeouts.idle = 0ms;
  auto stream = co_await http_open(daemon_, std::move(request), deadline);
  if (!stream) co_return explain(stream.error());
  if (stream->status() != 101) {
    co_return Error(code_of(stream->status()),
                    fmt::format("Docker does not let us attach (status {})", stream->status()));
  }
  co_return stream;
}

}  // namespace caisson
