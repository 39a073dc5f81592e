// The descriptors that init waits for, rebuilt for each poll(2).
#pragma once

#include <poll.h>

#include <cstdint>
#include <vector>

namespace caisson::guest {

enum class Source : std::uint8_t {
  signals,
  listen,
  host,
  host_write,
  zygote,
  zygote_log,
  notify,
  head,
  copy,
  out,
  err,
  proxy_listen,  // relay.h
  line_listen,
  line_idle,
  relayed
};

class Polls {
 public:
  struct Entry {
    Source source;
    std::uint16_t context;
  };

  void clear() {
    fds_.clear();
    entries_.clear();
  }
  void add(int fd, short events, Source source, std::uint16_t context = 0) {
    if (fd < 0) return;
    fds_.push_back({fd, events, 0});
    entries_.push_back({source, context});
  }
  std::vector<pollfd>& fds() { return fds_; }
  const Entry& entry(std::size_t at) const { return entries_[at]; }

 private:
  std::vector<pollfd> fds_;
  std::vector<Entry> entries_;
};

}  // namespace caisson::guest
