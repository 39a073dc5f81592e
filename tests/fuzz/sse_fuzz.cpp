// Events come out the same in one piece and byte by byte.
#include "orchestrator/llm/sse.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace caisson;
  const auto text = text_of(data, size);
  constexpr std::size_t limit = 4096;
  std::vector<SseEvent> whole;
  SseParser one(limit);
  one.feed(text, whole);
  one.end(whole);
  std::vector<SseEvent> parts;
  SseParser other(limit);
  for (std::size_t i = 0; i < size; ++i) other.feed(text.substr(i, 1), parts);
  other.end(parts);
  require(whole == parts && one.too_large() == other.too_large());
  return 0;
}
