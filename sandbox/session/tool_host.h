// What a session needs of its host while a block runs: two of the five seams.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace caisson {

// A call that sandboxed code makes to the host. Everything in it was written by the guest.
struct ToolCall {
  std::uint64_t block = 0;
  std::uint64_t id = 0;  // unique within the block
  std::string name;
  nlohmann::json arguments;  // {"args": [...], "kwargs": {...}}, at most wire::max_message bytes
};

// What the sandboxed code may call on the host.
class ToolHost {
 public:
  virtual ~ToolHost() = default;
  // The value goes back as the call's result; an Error is raised there as ToolError(message). The
  // call is cancelled when its block ends first.
  virtual boost::asio::awaitable<Result<nlohmann::json>> call(ToolCall call) = 0;
};

enum class OutputStream { out = 1, err = 2 };

// A block's output as it appears. Called on the event loop; must not block.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  // Raw bytes, not always whole UTF-8 characters, in pieces of at most wire::max_body.
  virtual void output(OutputStream stream, std::string_view bytes) = 0;
  virtual void display(const nlohmann::json& mime_bundle) { static_cast<void>(mime_bundle); }
};

// Drops everything; the Outcome still holds what the policy keeps.
class NullSink final : public OutputSink {
 public:
  void output(OutputStream, std::string_view) override {}
};

}  // namespace caisson
