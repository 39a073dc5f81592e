// A container that an OCI runtime has started, seen through its init's pidfd. Private to
// oci_runtime.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/process.h"
#include "sandbox/container/backend.h"

namespace caisson {

// Where an OCI runtime keeps what belongs to one container.
struct OciPlace {
  std::string program;           // runc, crun
  std::filesystem::path root;    // the runtime's own state: --root
  std::filesystem::path bundle;  // config.json, pid
  std::string id;

  std::vector<std::string> command(std::vector<std::string> rest) const;
};

// Removes every trace of a container whose init has ended or is to be ended by this. Tries until
// the deadline; returns what is left, empty when nothing is.
boost::asio::awaitable<std::string> remove_oci(OciPlace place, Deadline deadline);

// The process that the runtime wrote down as the container's init, when it lives and is one: a
// number in a file may long since belong to somebody else. 0 when not.
pid_t find_init(const OciPlace& place, OwnedFd& pidfd);

class OciContainer final : public Container {
 public:
  struct Parts {
    OciPlace place;
    std::string channel_dir;  // empty: `stdio` is the channel
    pid_t init = 0;
    OwnedFd init_fd;  // pidfd
    OwnedFd words;    // read end of init's stderr, not blocking; none when another process has it
    OwnedFd stdio;
  };
  explicit OciContainer(Parts parts) : parts_(std::move(parts)) {}

  const std::string& id() const override { return parts_.place.id; }
  boost::asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(Deadline deadline) override;
  boost::asio::awaitable<void> kill(Deadline deadline) override;
  boost::asio::awaitable<void> lift_cpu_limit(bool lifted) override;
  boost::asio::awaitable<std::string> wait_end() override;

 private:
  boost::asio::awaitable<bool> init_ended();
  bool has_ended();
  std::string describe_end();

  Parts parts_;
  std::optional<ExitStatus> status_;  // of init, once it is reaped
  std::uint64_t oom_kills_ = 0;
  std::string last_words_;
  std::string quota_;  // while it is lifted: what it was
  bool removed_ = false;
};

}  // namespace caisson
