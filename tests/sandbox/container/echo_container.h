// What the tests of all backends share: a host directory with the echo init in it, a root file
// system, a spec, and one question with its answer.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/container/backend.h"

namespace caisson::test {

// A directory of its own under the temporary one, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// `at`/guest with init (the echo init), `at`/channel that everybody may write to, and `at`/image, a
// root file system with empty mount points and a file that calls itself python3.
void make_echo_files(const std::filesystem::path& at);

// A policy made by hand, through make_spec: 64 MiB, half a core, 20 processes, /workspace and /tmp.
ContainerSpec echo_spec(const std::filesystem::path& at, std::string id);

// Sends a line and reads the answer.
boost::asio::awaitable<std::string> ask(ByteStream& stream, std::string line);

// What has `word` in its name or in its lines, of everything that a container may leave behind:
// cgroups, mounts, processes. Empty: nothing is left.
std::vector<std::string> leftovers(const std::string& word);

}  // namespace caisson::test
