// Blocks come out the same in one piece and byte by byte, and the pieces are the text, nothing
// lost.
#include "orchestrator/agent/blocks.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace caisson;

struct Read {
  Scan scan;
  std::string shown;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view text, std::size_t most, ScanMode mode) {
  Scanner::Options options;
  options.mode = mode;
  Scanner scanner(options);
  Read read;
  const auto show = [&read](const std::vector<Piece>& pieces) {
    for (const auto& piece : pieces) read.shown += piece.text;
  };
  while (!text.empty() && !scanner.enough()) {
    show(scanner.feed(text.substr(0, most)));
    text.remove_prefix(std::min(most, text.size()));
  }
  std::vector<Piece> rest;
  read.scan = scanner.finish(TextEnd::whole, rest);
  show(rest);
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  for (const auto mode : {ScanMode::first, ScanMode::each, ScanMode::join}) {
    const auto whole = read(text, size, mode);
    require(whole == read(text, 1, mode));
    require(text.starts_with(whole.shown));
  }
  return 0;
}
