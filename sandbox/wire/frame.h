// Framing of PROTOCOL.md: bytes in, frames out. Shared by host and guest, so it uses nothing but
// the language: no Boost, no exceptions, no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace caisson::wire {

inline constexpr std::uint32_t magic = 0x314E5343;  // "CSN1"
inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::size_t header_size = 32;
inline constexpr std::size_t max_body = 64 * 1024;
inline constexpr std::size_t max_frame = header_size + max_body;
// A message that is sent in several frames. Plots are the largest thing that has to fit.
inline constexpr std::size_t max_message = 16 * 1024 * 1024;
// What a side keeps for sending again before it stops producing more.
inline constexpr std::size_t max_unacknowledged = 8 * 1024 * 1024;
inline constexpr std::size_t ack_after = 256 * 1024;

enum class Type : std::uint8_t {
  hello = 1,
  host_ack = 2,
  setup = 3,
  open = 4,
  close = 5,
  execute = 6,
  interrupt = 7,
  tool_result = 8,
  pause = 9,
  resume = 10,
  shutdown = 11,
  rollback = 16,
  keep = 17,
  branch = 18,
  put = 32,
  get = 33,
  list = 34,

  pipes = 48,     // init to a head: descriptors of the next block's stdout and stderr
  confined = 49,  // a child of init to init: confined, about to become the zygote
  fork = 50,      // init to a head or a sleeping copy: make a copy that sleeps
  asleep = 51,    // such a copy to init: it is there; or its parent: it could not be made
  wake = 52,      // init to a sleeping copy: become the head
  moved = 53,     // init to a head: its working directory is at another place now

  welcome = 65,
  guest_ack = 66,
  ready = 67,
  opened = 68,
  output = 69,
  display = 70,
  tool_call = 71,
  result = 72,
  finished = 73,
  denied = 74,
  log = 75,
  failed = 76,
  restored = 77,
  refused = 78,
  file = 79,
  changed = 80,
};

inline constexpr std::uint8_t flag_more = 1;

struct Header {
  std::uint32_t magic = wire::magic;
  Type type = Type::host_ack;
  std::uint8_t flags = 0;
  std::uint16_t context = 0;
  std::uint32_t length = 0;
  std::uint32_t epoch = 0;
  std::uint64_t seq = 0;
  std::uint64_t ack = 0;
};
// The struct is the wire format: x86-64 and arm64 are little-endian and it has no padding.
static_assert(sizeof(Header) == header_size);

struct Frame {
  Header header;
  std::string_view body;  // valid until the next call on the decoder
  bool more() const { return (header.flags & flag_more) != 0; }
};

// Cuts a byte stream into frames. Feed it with any splitting of the stream; it holds at most one
// incomplete frame.
class Decoder {
 public:
  enum class Step { frame, need_more, broken };

  // Where the next bytes of the stream go; at least one byte long. Then say how many came.
  std::span<char> space();
  void filled(std::size_t bytes);

  // The next whole frame, if there is one. `broken` is final: magic or length are wrong, and
  // problem() says which.
  Step next(Frame& frame);
  const char* problem() const { return problem_; }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;  // first byte not yet handed out
  std::size_t end_ = 0;    // behind the last byte received
  const char* problem_ = "";
};

// Appends header and body to `out`; sets header.length from the body, which must fit max_body.
void append_frame(std::string& out, Header header, std::string_view body);

// Appends a message as one frame or, with `more`, as several. Numbers them from header.seq on when
// that is not 0; returns how many frames were made.
std::size_t append_message(std::string& out, Header header, std::string_view body);

// Copies a packed struct out of the front of a body; false when the body is too short.
template <class T>
bool take(std::string_view& body, T& value) {
  if (body.size() < sizeof(T)) return false;
  std::memcpy(&value, body.data(), sizeof(T));
  body.remove_prefix(sizeof(T));
  return true;
}

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

}  // namespace caisson::wire
