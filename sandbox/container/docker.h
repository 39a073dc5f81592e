// Containers through the Docker Engine API, 20.10 (API 1.41) or newer.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/container/backend.h"
#include "sandbox/container/docker_api.h"
#include "sandbox/container/docker_spec.h"

namespace caisson {

class DockerBackend final : public Backend {
 public:
  // `daemon`: from docker_target(). `owner` tells the containers of one state directory from those
  // of others with the same daemon: list() knows only these. Empty: all of ours.
  explicit DockerBackend(HttpTarget daemon, std::string owner = "");
  DockerBackend(const DockerBackend&) = delete;
  DockerBackend& operator=(const DockerBackend&) = delete;

  std::string_view name() const override { return "docker"; }
  boost::asio::awaitable<Result<std::string>> probe(Deadline deadline) override;
  boost::asio::awaitable<Result<ImageInfo>> find_image(std::string reference,
                                                       Deadline deadline) override;
  boost::asio::awaitable<Result<std::string>> provide_image(StoredImage image,
                                                            Deadline deadline) override;
  // A daemon that does not see our files (not on a unix socket) gets the guest by volume and the
  // channel through attach, whatever the spec says; policies with bind mounts cannot work there.
  // A spec without channel_dir gets its channel through attach. With GuestDelivery::volume the
  // content of guest_dir is sent once and kept in a volume (label org.caisson.guest) that later
  // containers share.
  boost::asio::awaitable<Result<std::unique_ptr<Container>>> start(ContainerSpec spec,
                                                                   Deadline deadline) override;
  Result<void> keeps_containers() const override;
  boost::asio::awaitable<Result<std::unique_ptr<Container>>> attach(std::string id,
                                                                    std::string channel_dir,
                                                                    Deadline deadline) override;
  std::map<std::string, std::string> missing_guarantees(const ContainerSpec& spec) const override;
  boost::asio::awaitable<Result<std::vector<std::string>>> list(Deadline deadline) override;
  boost::asio::awaitable<Result<void>> remove(std::string id, Deadline deadline) override;

  // Makes an image of a root file system in a tar archive (may be compressed): "caisson/python",
  // "latest". Errors: bad_input (the file), io (what the daemon says), unavailable.
  boost::asio::awaitable<Result<ImageInfo>> import_image(std::string tar_file,
                                                         std::string repository, std::string tag,
                                                         Deadline deadline);

  // Whether the daemon is on this host and sees our directories.
  bool shares_files() const {
    return api_.daemon().transport == HttpTarget::Transport::unix_socket;
  }
  DockerApi& api() { return api_; }

 private:
  boost::asio::awaitable<Result<DockerImage>> inspect_image(std::string reference,
                                                            Deadline deadline);
  boost::asio::awaitable<Result<std::vector<std::string>>> list_of(std::string owner,
                                                                   Deadline deadline);
  boost::asio::awaitable<Result<std::string>> guest_volume(ContainerSpec spec, std::string image,
                                                           Deadline deadline);
  boost::asio::awaitable<Result<void>> fill_volume(std::string volume, std::string image,
                                                   std::string tar, Deadline deadline);

  DockerApi api_;
  const std::string owner_;
  std::set<std::string> filled_volumes_;
};

}  // namespace caisson
