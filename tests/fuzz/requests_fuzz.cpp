// What code sends to the proxy: heads of requests and answers, and the first bytes of TLS.
#include "sandbox/egress/client_hello.h"
#include "sandbox/egress/message.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace caisson;
  const auto text = text_of(data, size);
  static_cast<void>(parse_request(text));
  static_cast<void>(parse_response(text));
  using Step = ClientHelloParser::Step;
  ClientHelloParser whole;
  const auto step = size > 0 ? whole.feed(text) : Step::need_more;
  ClientHelloParser parts;
  auto last = Step::need_more;
  for (std::size_t i = 0; i < size && last == Step::need_more; ++i) {
    last = parts.feed(text.substr(i, 1));
  }
  // In one piece it may be told of a later fault; where both have a hello it is the same.
  if (step == Step::hello && last == Step::hello) {
    require(whole.hello().encrypted == parts.hello().encrypted);
  }
  return 0;
}
