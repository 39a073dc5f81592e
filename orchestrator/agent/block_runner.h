// What runs the model's code. Normally a Session; whatever else executes a block can stand in.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"
#include "sandbox/session/outcome.h"
#include "sandbox/session/session.h"
#include "sandbox/session/tool_host.h"

namespace caisson {

class BlockRunner {
 public:
  virtual ~BlockRunner() = default;
  // As Session::execute: how the block ended is an Outcome; state lives on from block to block;
  // output reaches `sink` as it appears. Never holds up the event loop.
  virtual boost::asio::awaitable<Result<Outcome>> run(Block block, Deadline deadline,
                                                      OutputSink& sink, ToolHost& tools) = 0;
};

}  // namespace caisson
