// Makes a session's state again by running its blocks again.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"
#include "sandbox/session/block_journal.h"

namespace caisson {

struct Replayed {
  std::size_t blocks = 0;
  // Blocks that end differently now: "block 3 ended ok before, and raised now (NameError: …)".
  std::vector<std::string> differences;
};

// Output and calls of host tools go nowhere. Errors: timed_out (the deadline: which block it was
// at), closed.
boost::asio::awaitable<Result<Replayed>> replay(Session& session, std::vector<JournalBlock> blocks,
                                                Deadline deadline);

}  // namespace caisson
