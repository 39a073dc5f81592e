// Frames come out the same in one piece and byte by byte.
#include <algorithm>
#include <string>
#include <vector>

#include "sandbox/wire/frame.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace caisson::wire;

std::vector<std::string> decode(std::string_view bytes, std::size_t most) {
  std::vector<std::string> found;
  Decoder decoder;
  while (!bytes.empty()) {
    const auto room = decoder.space();
    const auto count = std::min({bytes.size(), room.size(), most});
    std::copy_n(bytes.begin(), count, room.begin());
    decoder.filled(count);
    bytes.remove_prefix(count);
    Frame frame;
    auto step = decoder.next(frame);
    for (; step == Decoder::Step::frame; step = decoder.next(frame)) {
      found.emplace_back(frame.body);
    }
    if (step == Decoder::Step::broken) {
      found.emplace_back(decoder.problem());
      return found;
    }
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  require(decode(bytes, size) == decode(bytes, 1));
  return 0;
}
