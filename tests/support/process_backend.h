// A Backend without containers: starts the real init as a plain process of this host, with the real
// Python worker behind it. Nothing is confined; it is for tests of what stands above the backends.
// The pid of a container's init is in `init.pid` beside its channel.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "sandbox/container/backend.h"

namespace caisson::test {

class ProcessBackend final : public Backend {
 public:
  std::string_view name() const override { return "process"; }
  boost::asio::awaitable<Result<std::string>> probe(Deadline deadline) override;
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

  // Of the init started last, to end it from outside.
  pid_t last_pid() const { return last_pid_; }

 private:
  pid_t last_pid_ = 0;
  std::map<std::string, pid_t> inits_;  // of all containers that were started and not removed
};

// Where the build has put init and the worker.
std::filesystem::path guest_dir();

}  // namespace caisson::test
