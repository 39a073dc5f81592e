// A block while it runs: collects what the guest says of it until `finished`, and turns that into
// the Outcome. It lives on the stack of Session::execute.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "sandbox/base/condition.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/nursery.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"
#include "sandbox/session/block_denials.h"
#include "sandbox/session/outcome.h"
#include "sandbox/session/tool_host.h"
#include "sandbox/wire/files.h"
#include "sandbox/wire/frame.h"
#include "sandbox/wire/message.h"

namespace caisson {

class RunningBlock {
 public:
  using Send = std::function<void(wire::Type, std::string_view body)>;

  RunningBlock(boost::asio::any_io_executor executor, std::uint64_t block, const Policy& policy,
               const CompiledPolicy& compiled, OutputSink& sink, ToolHost& tools, Send send);
  // Its caller has set tighter limits than the policy's.
  void shorten(bool wall, bool cpu) { shortened_wall_ = wall, shortened_cpu_ = cpu; }

  // A message of the guest for this block; `body` still has its struct in front. Messages about
  // another block are dropped: they are late.
  void receive(wire::Type type, std::string_view body);
  // A refusal by a layer outside of the sandbox. Equal ones are counted.
  void denied(DenialText denial) { denials_.add(std::move(denial)); }
  // The sandbox is gone.
  void lose(const std::string& reason);

  bool ended() const { return ended_; }
  // Waits until ended() or the deadline.
  boost::asio::awaitable<void> wait(Deadline deadline);
  // Cancels host tools that still run and waits for them. Call it once before the block goes.
  boost::asio::awaitable<void> settle();

  // Once, when it has ended.
  Outcome take_outcome();

 private:
  void receive_output(std::string_view body);
  void receive_result(std::string_view json);
  void receive_finished(const wire::Finished& finished);
  void receive_changes(const wire::FileChanges& changes, std::string_view bytes);
  void receive_notes(const wire::Finished& finished);
  void receive_display(std::string_view json);
  void receive_call(std::string_view json);
  // `bytes`: of the call's message, which count as waiting until it is answered.
  boost::asio::awaitable<void> answer(ToolCall call, std::size_t bytes);
  void reply(std::uint64_t id, const Result<nlohmann::json>& result);

  const Policy& policy_;
  OutputSink& sink_;
  ToolHost& tools_;
  Send send_;
  Nursery calls_;
  Condition end_;
  bool ended_ = false;
  std::string result_problem_;  // why Python's own account of the block cannot be used
  bool has_result_ = false;
  std::size_t displays_bytes_ = 0;  // JSON text of outcome_.displays
  std::size_t displays_dropped_ = 0;
  std::size_t waiting_calls_ = 0;
  std::uint64_t calls_made_ = 0;  // refused ones too
  std::size_t waiting_bytes_ = 0;
  bool shortened_wall_ = false;
  bool shortened_cpu_ = false;
  BlockDenials denials_;
  Outcome outcome_;
};

}  // namespace caisson
