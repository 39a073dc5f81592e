// Files of sessions, for the host (PROTOCOL.md, "Files"; wire/files.h): uploads, downloads,
// listings.
//
// Every path is opened beneath the session's working directory and through no symbolic link, and a
// transfer keeps one descriptor from beginning to end: code that swaps files meanwhile gets
// nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "sandbox/guest/init/channel.h"
#include "sandbox/guest/init/system.h"
#include "sandbox/wire/files.h"

namespace caisson::guest {

class Files {
 public:
  explicit Files(Channel& channel) : channel_(channel) {}
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  // Messages of the host for `context`, which works in `home`.
  void put(std::uint16_t context, const std::string& home, std::string_view body);
  void get(std::uint16_t context, const std::string& home, std::string_view body);
  void list(std::uint16_t context, const std::string& home, std::string_view body);

  // Sends one piece of each download, while the channel has room to spare.
  void turn();
  // Whether turn() has something to do now.
  bool wants_turn() const { return !downloads_.empty() && !channel_.is_busy(); }
  // Ends what belongs to a context, or (0) everything: the host is another one.
  void forget(std::uint16_t context);

 private:
  struct Upload {
    std::uint16_t context = 0;
    Fd directory;
    Fd file;
    std::string part;  // its name while it is written
    std::string name;
    mode_t mode = 0;
  };
  struct Download {
    std::uint16_t context = 0;
    Fd file;
    std::uint64_t left = 0;
  };

  void begin(std::uint16_t context, const std::string& home, const wire::FilePut& request,
             std::string_view path);
  void drop(Upload& upload);
  void answer(std::uint16_t context, std::uint64_t request, wire::FileProblem problem,
              std::uint32_t error = 0, std::uint64_t size = 0);

  Channel& channel_;
  std::map<std::uint64_t, Upload> uploads_;
  std::map<std::uint64_t, Download> downloads_;
  std::uint64_t parts_ = 0;  // made, for their names
};

}  // namespace caisson::guest
