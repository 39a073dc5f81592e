// How a block's outcome is told to the model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/agent/blocks.h"
#include "sandbox/session/outcome.h"

namespace caisson {

enum class ObservationStyle {
  fenced,  // between marks that the output cannot forge, with status and budget: the default
  plain,   // the article's string: stdout, stderr, then the value or the error; nothing else
};

struct ObservationOptions {
  ObservationStyle style = ObservationStyle::fenced;
  // Of streams, value and error together; each keeps its beginning and its end. What stands around
  // them takes up to about 1 KB more, and some 200 bytes for each of up to ten denials.
  std::size_t budget_bytes = 16 * 1024;
  Delimiters delimiters = {};
};

// What the outcome does not know.
struct ObservationFacts {
  std::string nonce;                // of the marks; must not be guessable by the code
  std::vector<std::string> called;  // host tools, in order: they have run, whatever was rolled back
  std::uint32_t iterations_left = 0;
  std::uint32_t max_iterations = 0;  // 0: nothing is said of a budget
  std::uint32_t blocks_not_run = 0;  // of the same reply, because this one failed
};

// Output, value and error are data: escape sequences and invisible characters are gone, our
// delimiters and the marks of chat templates are made harmless.
std::string observe(const Outcome& outcome, const ObservationOptions& options,
                    const ObservationFacts& facts);

}  // namespace caisson
