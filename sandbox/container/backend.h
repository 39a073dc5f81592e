// Where containers run: one of the five seams. Docker and the OCI runtimes implement it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"
#include "sandbox/container/spec.h"

namespace caisson {

// A connection to a container's init.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // At least one byte, or 0 at the end. Throws boost::system::system_error when the connection
  // breaks. Cancellation: nothing is lost.
  virtual boost::asio::awaitable<std::size_t> read_some(boost::asio::mutable_buffer buffer) = 0;
  // All of it.
  virtual boost::asio::awaitable<void> write(boost::asio::const_buffer bytes) = 0;
  virtual void close() = 0;
};

// A started container. Destroying it without kill() leaves it running on purpose (it can be
// adopted); whoever owns it kills it.
class Container {
 public:
  virtual ~Container() = default;
  virtual const std::string& id() const = 0;
  // A new connection to init; an older one is dead from then on. Waits for init to listen.
  // Errors: timed_out, closed (the container has ended; the message has what it said last).
  virtual boost::asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(
      Deadline deadline) = 0;
  // Ends every process in it and removes it, its cgroup, mounts and directories. Idempotent.
  // Throws Fault when that can't be confirmed by the deadline.
  virtual boost::asio::awaitable<void> kill(Deadline deadline) = 0;
  // Lets it use more CPU time than it may, or (false) holds it to its limit again. For a moment,
  // when its processes use up so much that init does not get to end them. Does what it can, in
  // silence.
  virtual boost::asio::awaitable<void> lift_cpu_limit(bool lifted) = 0;
  // Waits until it has ended by itself and says how, for a person: "killed by the kernel for lack
  // of memory", "exited with status 3".
  virtual boost::asio::awaitable<std::string> wait_end() = 0;
};

// What a backend says about an image.
struct ImageInfo {
  std::string reference;  // as the user wrote it
  std::string digest;     // sha256:…, what is really run
};

// An image that images/*/build has made on this host.
struct StoredImage {
  std::string name;      // "python"
  std::string root_dir;  // its root file system
  std::string tar_file;  // the same as an archive
  std::string digest;    // sha256:…, of the archive
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;  // "docker", "runc"
  // Whether it can be used now. Error: unavailable, with what to do about it. The text on success
  // names versions: "Docker Engine 20.10.24 (API 1.41), runc 1.1.5".
  virtual boost::asio::awaitable<Result<std::string>> probe(Deadline deadline) = 0;
  // Errors: not_found, with what to do (build it, pull it).
  virtual boost::asio::awaitable<Result<ImageInfo>> find_image(std::string reference,
                                                               Deadline deadline) = 0;
  // Makes a stored image ready for start(), and says what to call it in ContainerSpec::image. May
  // take seconds the first time (Docker reads the archive).
  virtual boost::asio::awaitable<Result<std::string>> provide_image(StoredImage image,
                                                                    Deadline deadline) = 0;
  // Creates and starts; init may not listen yet. Leaves nothing behind when it fails.
  // Errors: not_found (image), unavailable, unsupported, bad_input, io.
  virtual boost::asio::awaitable<Result<std::unique_ptr<Container>>> start(ContainerSpec spec,
                                                                           Deadline deadline) = 0;
  // Whether attach() can work here at all. Error: unsupported, with the reason.
  virtual Result<void> keeps_containers() const { return boost::system::in_place_value; }
  // The container with this id, which start() of another process has made with this channel_dir,
  // while it runs. How it ends may be told with fewer words than by the process that started it.
  // Errors: closed (it does not run any more; remove() takes the rest away), unsupported (its
  // channel was not a directory), unavailable.
  virtual boost::asio::awaitable<Result<std::unique_ptr<Container>>> attach(std::string id,
                                                                            std::string channel_dir,
                                                                            Deadline deadline) = 0;
  // What of `spec` this backend cannot enforce on this host: {"memory limit": "off: rootless …"}.
  // Known after the first probe() or start().
  virtual std::map<std::string, std::string> missing_guarantees(
      const ContainerSpec& spec) const = 0;
  // Containers of ours (by label, and made for the same state directory) that run now or have left
  // something, also those of an orchestrator that has died.
  virtual boost::asio::awaitable<Result<std::vector<std::string>>> list(Deadline deadline) = 0;
  // Removes a container by the id that list() gave, with all that belongs to it.
  virtual boost::asio::awaitable<Result<void>> remove(std::string id, Deadline deadline) = 0;
};

}  // namespace caisson
