// Containers without a daemon: runc, or another OCI runtime with the same command line (crun).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/process.h"
#include "sandbox/container/backend.h"
#include "sandbox/container/oci_config.h"

namespace caisson {

struct RuncOptions {
  std::string program = "runc";     // name in PATH, or a path
  std::filesystem::path state_dir;  // of this host's sandboxes; `runc/` and `bundles/` go there
};

// Images are directories with a root file system, shared read-only by all containers. The mount
// points of a container must exist in it, or this user must be able to make them there.
//
// As root, limits are enforced by cgroups. As another user, containers run in a user namespace with
// one id; missing_guarantees() says what is off then.
class RuncBackend final : public Backend {
 public:
  explicit RuncBackend(RuncOptions options);
  RuncBackend(const RuncBackend&) = delete;
  RuncBackend& operator=(const RuncBackend&) = delete;

  std::string_view name() const override { return name_; }
  boost::asio::awaitable<Result<std::string>> probe(Deadline deadline) override;
  // `reference` is a directory. Its digest covers names, types, sizes, modes and times of change
  // of all files, not their content: enough to tell one build from another.
  boost::asio::awaitable<Result<ImageInfo>> find_image(std::string reference,
                                                       Deadline deadline) override;
  boost::asio::awaitable<Result<std::string>> provide_image(StoredImage image,
                                                            Deadline deadline) override;
  boost::asio::awaitable<Result<std::unique_ptr<Container>>> start(ContainerSpec spec,
                                                                   Deadline deadline) override;
  boost::asio::awaitable<Result<std::unique_ptr<Container>>> attach(std::string id,
                                                                    std::string channel_dir,
                                                                    Deadline deadline) override;
  std::map<std::string, std::string> missing_guarantees(const ContainerSpec& spec) const override;
  boost::asio::awaitable<Result<std::vector<std::string>>> list(Deadline deadline) override;
  boost::asio::awaitable<Result<void>> remove(std::string id, Deadline deadline) override;

 private:
  class AdoptsOrphans;

  // `runtime` is the program while it runs; both references outlive the call.
  boost::asio::awaitable<Result<std::unique_ptr<Container>>> run_bundle(
      const ContainerSpec& spec, std::optional<Child>& runtime, Deadline deadline);
  Result<void> write_bundle(const ContainerSpec& spec);

  const RuncOptions options_;
  const std::string name_;
  const OciHost host_;
  int adopting_ = 0;  // starts under way
};

}  // namespace caisson
