// Which files of a session a block has made, changed or removed, as the kernel tells it (inotify):
// a block that touches none costs one read(2). Writes through a memory mapping are not told.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sandbox/guest/init/channel.h"
#include "sandbox/guest/init/system.h"
#include "sandbox/wire/files.h"

namespace caisson::guest {

class Changes {
 public:
  // What comes from now on in `home` belongs to a block. Watches it when it is another one than
  // before. Without inotify all that is told is that something may have been missed.
  void begin(const std::string& home);
  // Sends what there was, if anything, as `changed` of this block.
  void end(Channel& channel, std::uint16_t context, std::uint64_t block);

 private:
  enum class Change : std::uint8_t { made = 1, changed = 2, removed = 3 };

  void watch(const std::string& directory, int depth, bool tell);
  void read_events();
  void note(const std::string& path, std::uint32_t mask);

  Fd inotify_;
  std::string home_;
  std::map<int, std::string>
      directories_;  // by watch; relative to home_, "" or with '/' at the end
  std::map<std::string, Change> found_;
  std::uint32_t more_ = 0;
  bool overflowed_ = false;  // within this block
  bool unwatched_ = false;   // a part of it, or all
};

}  // namespace caisson::guest
