// A container of a Docker daemon. Private to docker.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "sandbox/container/backend.h"
#include "sandbox/container/docker_api.h"
#include "sandbox/container/docker_attach.h"

namespace caisson {

// Removes a container by name or id and waits until the daemon does not know it any more.
// Returns what went wrong, empty when it is gone.
boost::asio::awaitable<std::string> remove_docker(DockerApi& api, std::string name,
                                                  Deadline deadline);

class DockerContainer final : public Container {
 public:
  struct Parts {
    std::string id;         // ours; also the container's name
    std::string docker_id;  // 64 hex digits
    std::string channel_dir;
    // Opened before the start, because attach replays nothing: the channel when there is no
    // directory for it, otherwise only the source of last words. Shared with the ByteStream that
    // connect() hands out.
    std::shared_ptr<AttachStream> attached;
  };
  DockerContainer(DockerApi& api, Parts parts) : api_(api), parts_(std::move(parts)) {}

  const std::string& id() const override { return parts_.id; }
  boost::asio::awaitable<Result<void>> start(Deadline deadline);
  // For one that another process has started: whether it runs.
  boost::asio::awaitable<bool> look(Deadline deadline);
  boost::asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(Deadline deadline) override;
  boost::asio::awaitable<void> kill(Deadline deadline) override;
  boost::asio::awaitable<void> lift_cpu_limit(bool lifted) override;
  boost::asio::awaitable<std::string> wait_end() override;

 private:
  struct State {
    bool running = true;
    int code = -1;
    bool oom = false;
    std::string error;
    pid_t init = 0;
  };
  boost::asio::awaitable<Result<State>> inspect(Deadline deadline);
  boost::asio::awaitable<std::string> end_if_ended(Deadline deadline);
  boost::asio::awaitable<std::string> describe_end(int code);
  boost::asio::awaitable<void> look_into_events(int& code, bool& oom);
  std::string path(std::string_view rest) const;

  DockerApi& api_;
  Parts parts_;
  pid_t init_ = 0;              // of the daemon's host; 0: not known
  std::int64_t nano_cpus_ = 0;  // while the limit is lifted: what it was
  bool handed_out_ = false;
  bool removed_ = false;
};

}  // namespace caisson
