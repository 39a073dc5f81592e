#include "sandbox/container/docker.h"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/base/async.h"
#include "sandbox/base/json.h"
#include "sandbox/container/channel.h"
#include "sandbox/container/docker_container.h"
#include "sandbox/container/tar.h"

namespace caisson {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

// What creating a container may take: tens of milliseconds, seconds when the disk is busy.
constexpr auto create_time = 30s;

constexpr const char* guest_label = "org.caisson.guest";
constexpr const char* owner_label = "org.caisson.owner";

bool plain_reference(const std::string& text) {
  return !text.empty() && text.size() <= 255 &&
         std::all_of(text.begin(), text.end(),
                     [](char letter) {
                       return (letter >= 'a' && letter <= 'z') ||
                              (letter >= 'A' && letter <= 'Z') ||
                              (letter >= '0' && letter <= '9') ||
                              std::string_view("./:@_-").find(letter) != std::string_view::npos;
                     }) &&
         text.find("..") == text.npos && text[0] != '/';
}

std::string label_filter(const std::string& owner) {
  json labels = {sandbox_label};
  if (!owner.empty()) labels.push_back(fmt::format("{}={}", owner_label, owner));
  const json filters = {{"label", labels}};
  return percent_encoded(filters.dump());
}

}  // namespace

DockerBackend::DockerBackend(HttpTarget daemon, std::string owner)
    : api_(std::move(daemon)), owner_(std::move(owner)) {}

asio::awaitable<Result<std::string>> DockerBackend::probe(Deadline deadline) {
  auto facts = co_await api_.facts(deadline);
  if (!facts) co_return facts.error();
  auto text = fmt::format("Docker Engine {} (API {})", facts->version, facts->api_version);
  if (!facts->runc_version.empty()) text += ", runc " + facts->runc_version;
  if (facts->rootless) text += " (rootless)";
  co_return text;
}

asio::awaitable<Result<DockerImage>> DockerBackend::inspect_image(std::string reference,
                                                                  Deadline deadline) {
  if (!plain_reference(reference)) {
    co_return Error(Errc::not_found,
                    fmt::format("'{}' is not the name of a Docker image (write name:tag or "
                                "name@sha256:…; directories are for --backend runc)",
                                reference));
  }
  auto facts = co_await api_.call("GET", "/images/" + reference + "/json", json(), deadline);
  if (!facts && facts.error().code == Errc::not_found) {
    co_return Error(Errc::not_found,
                    fmt::format("Docker has no image '{0}'\nBuild and import ours with "
                                "images/python/build, or get it: docker pull {0}",
                                reference));
  }
  if (!facts) co_return facts.error();
  DockerImage image;
  image.id = get_string(*facts, "Id");
  const auto config = facts->find("Config");
  if (config != facts->end() && config->is_object() && config->contains("Volumes")) {
    for (const auto& [path, nothing] : (*config)["Volumes"].items()) image.volumes.push_back(path);
  }
  co_return image;
}

asio::awaitable<Result<ImageInfo>> DockerBackend::find_image(std::string reference,
                                                             Deadline deadline) {
  auto image = co_await inspect_image(reference, deadline);
  if (!image) co_return image.error();
  co_return ImageInfo{std::move(reference), image->id};
}

asio::awaitable<Result<void>> DockerBackend::fill_volume(std::string volume, std::string image,
                                                         std::string tar, Deadline deadline) {
  const json labels = {{guest_label, "1"}};
  const json wanted = {{"Name", volume}, {"Labels", labels}};
  auto made = co_await api_.call("POST", "/volumes/create", wanted, deadline);
  if (!made) co_return made.error();
  // The archive API works on containers, so one is made for it; it never runs, and nothing of a
  // guest's ever comes back this way.
  const json mount = {{"Type", "volume"}, {"Source", volume}, {"Target", "/caisson"}};
  const json helper = {{"Image", image},
                       {"Entrypoint", {"/caisson/init"}},
                       {"Labels", labels},
                       {"HostConfig", {{"NetworkMode", "none"}, {"Mounts", {mount}}}}};
  auto created = co_await api_.call("POST", "/containers/create", helper, deadline);
  if (!created) co_return created.error();
  const auto id = get_string(*created, "Id");
  HttpRequest put;
  put.method = "PUT";
  put.target = "/containers/" + id + "/archive?path=/caisson";
  put.headers = {{"Content-Type", "application/x-tar"}};
  put.body = std::move(tar);
  auto sent = co_await api_.send(std::move(put), deadline);
  const auto left = co_await remove_docker(api_, id, Deadline::after(10s));
  if (!sent) co_return sent.error();
  if (!left.empty()) co_return Error(Errc::io, left);
  co_return boost::system::in_place_value;
}

// Named by content: the same guest is sent to a daemon once in the life of this backend, and again
// by the next one, over the same bytes.
asio::awaitable<Result<std::string>> DockerBackend::guest_volume(ContainerSpec spec,
                                                                 std::string image,
                                                                 Deadline deadline) {
  auto job = [directory = spec.guest_dir] { return make_tar(directory); };
  auto tar = co_await run_blocking(job);
  if (!tar) co_return tar.error();
  const auto name = "caisson-guest-" + sha256_hex(*tar).substr(0, 16);
  if (!filled_volumes_.contains(name)) {
    auto filled = co_await fill_volume(name, image, std::move(*tar), deadline);
    if (!filled) co_return filled.error();
    filled_volumes_.insert(name);
  }
  co_return name;
}

asio::awaitable<Result<std::unique_ptr<Container>>> DockerBackend::start(ContainerSpec spec,
                                                                         Deadline deadline) {
  auto facts = co_await api_.facts(deadline);
  if (!facts) co_return facts.error();
  auto image = co_await inspect_image(spec.image, deadline);
  if (!image) co_return image.error();
  if (!shares_files()) {
    if (spec.proxy) {
      co_return Error(
          Errc::unsupported,
          "network.mode: proxy needs a Docker daemon on this machine: one elsewhere does "
          "not see the directory through which the sandbox reaches its proxy");
    }
    use_stdio_channel(spec);
    spec.guest_delivery = ContainerSpec::GuestDelivery::volume;
  }
  if (!owner_.empty()) spec.labels[owner_label] = owner_;
  std::string volume;
  if (spec.guest_delivery == ContainerSpec::GuestDelivery::volume) {
    auto filled = co_await guest_volume(spec, image->id, deadline);
    if (!filled) co_return filled.error();
    volume = std::move(*filled);
  }
  auto body = docker_create_body(spec, *image, *facts, volume);
  if (!body) co_return body.error();

  std::optional<Error> failure;
  std::exception_ptr fault;
  try {
    // Not given up half-way: the daemon goes on, and would make the container after we have looked
    // for what is to be removed.
    auto created = co_await uninterrupted(api_.call("POST", "/containers/create?name=" + spec.id,
                                                    *body, Deadline::after(create_time)));
    // In conflict: there is one of this name, and it is not ours to remove.
    if (!created && created.error().code == Errc::closed) {
      co_return Error(Errc::bad_input, fmt::format("there is a container {} already", spec.id));
    }
    if (!created) {
      failure = created.error();
    } else {
      DockerContainer::Parts parts;
      parts.id = spec.id;
      parts.docker_id = get_string(*created, "Id");
      parts.channel_dir = spec.channel_dir;
      const char* streams = spec.channel_dir.empty() ? "stdin=1&stdout=1&stderr=1" : "stderr=1";
      auto attached = co_await api_.hijack(
          fmt::format("/containers/{}/attach?stream=1&{}", parts.docker_id, streams), deadline);
      if (!attached) {
        failure = attached.error();
      } else {
        parts.attached = std::make_shared<AttachStream>(std::move(*attached));
        auto container = std::make_unique<DockerContainer>(api_, std::move(parts));
        auto started = co_await container->start(deadline);
        const auto state = co_await asio::this_coro::cancellation_state;
        // A cancellation that came when all was done already: nobody takes what is returned.
        if (started && state.cancelled() != asio::cancellation_type::none) {
          throw boost::system::system_error(asio::error::operation_aborted);
        }
        if (started) co_return std::move(container);
        failure = started.error();
      }
    }
  } catch (...) {
    fault = std::current_exception();
  }
  // When the caller has been cancelled, this must be done nevertheless.
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto left = co_await remove_docker(api_, spec.id, Deadline::after(10s));
  if (!spec.channel_dir.empty()) clear_channel(spec.channel_dir);
  co_await asio::this_coro::throw_if_cancelled(true);
  if (fault) std::rethrow_exception(fault);
  if (!left.empty()) failure->message += "\nand then: " + left;
  co_return *failure;
}

Result<void> DockerBackend::keeps_containers() const {
  if (shares_files()) return boost::system::in_place_value;
  return Error(Errc::unsupported,
               "the Docker daemon is on another host: a sandbox there is reached through the "
               "connection of the command that started it, and ends with it");
}

asio::awaitable<Result<std::unique_ptr<Container>>> DockerBackend::attach(std::string id,
                                                                          std::string channel_dir,
                                                                          Deadline deadline) {
  if (auto can = keeps_containers(); !can) co_return can.error();
  auto facts = co_await api_.facts(deadline);
  if (!facts) co_return facts.error();
  auto known = co_await api_.call("GET", "/containers/" + id + "/json", json(), deadline);
  if (!known && known.error().code != Errc::not_found) co_return known.error();
  const auto config = known ? known->value("Config", json::object()) : json::object();
  const auto labels = config.is_object() ? config.value("Labels", json::object()) : json::object();
  // A name is anybody's, the label is ours.
  if (!labels.is_object() || get_string(labels, sandbox_label) != id) {
    co_return Error(Errc::closed, "the container does not run any more");
  }
  DockerContainer::Parts parts;
  parts.id = std::move(id);
  parts.docker_id = get_string(*known, "Id");
  parts.channel_dir = std::move(channel_dir);
  auto container = std::make_unique<DockerContainer>(api_, std::move(parts));
  if (!co_await container->look(deadline)) {
    co_return Error(Errc::closed, "the container does not run any more");
  }
  co_return std::move(container);
}

std::map<std::string, std::string> DockerBackend::missing_guarantees(
    const ContainerSpec& spec) const {
  std::map<std::string, std::string> missing;
  const auto& facts = api_.known_facts();
  if (!facts) return missing;
  const auto note = [&](bool has, const char* what, const char* why) {
    if (!has) missing[what] = why;
  };
  note(facts->memory_limit, "memory_limit", "off: Docker's host has no memory cgroups");
  note(facts->swap_limit, "swap_limit", "off: Docker's host does not count swap");
  note(facts->cpu_quota, "cpu_share", "off: Docker's host has no CPU quotas");
  note(facts->pids_limit, "process_limit", "off: Docker's host has no pids cgroups");
  note(facts->seccomp, "container_filter", "off: Docker was built without seccomp");
  if (spec.runtime.find("runsc") != std::string::npos) {
    missing["container_filter"] = "off: gVisor does not apply it; its own kernel stands instead";
  }
  return missing;
}

asio::awaitable<Result<std::vector<std::string>>> DockerBackend::list(Deadline deadline) {
  co_return co_await list_of(owner_, deadline);
}

asio::awaitable<Result<std::vector<std::string>>> DockerBackend::list_of(std::string owner,
                                                                         Deadline deadline) {
  auto all = co_await api_.call("GET", "/containers/json?all=1&filters=" + label_filter(owner),
                                json(), deadline);
  if (!all) co_return all.error();
  std::vector<std::string> ids;
  for (const auto& container : *all) {
    const auto labels = container.find("Labels");
    if (labels != container.end() && labels->is_object()) {
      ids.push_back(get_string(*labels, sandbox_label));
    }
  }
  co_return ids;
}

asio::awaitable<Result<void>> DockerBackend::remove(std::string id, Deadline deadline) {
  auto ours = co_await list_of("", deadline);
  if (!ours) co_return ours.error();
  // Only what carries our label: names are anybody's.
  if (std::find(ours->begin(), ours->end(), id) == ours->end()) {
    co_return Error(Errc::not_found, fmt::format("there is no container '{}'", id));
  }
  const auto left = co_await remove_docker(api_, id, deadline);
  if (!left.empty()) co_return Error(Errc::io, left);
  co_return boost::system::in_place_value;
}

asio::awaitable<Result<ImageInfo>> DockerBackend::import_image(std::string tar_file,
                                                               std::string repository,
                                                               std::string tag, Deadline deadline) {
  HttpRequest request;
  request.method = "POST";
  request.target = fmt::format("/images/create?fromSrc=-&repo={}&tag={}",
                               percent_encoded(repository), percent_encoded(tag));
  request.headers = {{"Content-Type", "application/x-tar"}};
  request.body_file = std::move(tar_file);
  request.timeouts.first_byte = 0ms;  // the daemon unpacks before it answers
  request.timeouts.idle = 0ms;
  auto answer = co_await api_.send(std::move(request), deadline);
  if (!answer) co_return answer.error();
  // Progress, one JSON object a line; a failure comes in it with status 200.
  std::string_view rest = *answer;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = parse_json(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line && line->is_object() && line->contains("error")) {
      co_return Error(Errc::io, "Docker cannot import the image: " + get_string(*line, "error"));
    }
  }
  auto name = repository + ":" + tag;
  co_return co_await find_image(std::move(name), deadline);
}

asio::awaitable<Result<std::string>> DockerBackend::provide_image(StoredImage image,
                                                                  Deadline deadline) {
  // Named after its content, so that an image that was built again is imported again.
  const auto repository = "caisson/" + image.name;
  const auto colon = image.digest.find(':');
  const auto tag = image.digest.substr(colon == std::string::npos ? 0 : colon + 1, 12);
  auto reference = repository + ":" + tag;
  auto found = co_await find_image(reference, deadline);
  if (found) co_return reference;
  if (found.error().code != Errc::not_found) co_return found.error();
  auto made = co_await import_image(image.tar_file, repository, tag, deadline);
  if (!made) co_return made.error();
  co_return reference;
}

}  // namespace caisson
