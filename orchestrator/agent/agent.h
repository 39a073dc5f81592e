// The CodeAct agent: a model that answers, or writes code that runs and whose result it is shown.
// A workflow of three steps, named as in the article:
//
//   prepare_chat_history   StartEvent → InputEvent
//   handle_llm_input       InputEvent → CodeExecutionEvent | StopEvent | InputEvent (a nudge)
//   handle_code_execution  CodeExecutionEvent → InputEvent | CodeExecutionEvent | StopEvent
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "orchestrator/agent/block_runner.h"
#include "orchestrator/agent/blocks.h"
#include "orchestrator/agent/observation.h"
#include "orchestrator/agent/run.h"
#include "orchestrator/agent/workflow.h"
#include "orchestrator/llm/model.h"
#include "sandbox/session/tool_host.h"

namespace caisson {

struct AgentOptions {
  // The whole system prompt, rendered (chat/prompt.h). Sent with every call, never stored.
  std::string system_prompt;
  Scanner::Options scanner = {};
  ObservationOptions observation = {};
  // Whose words observations are. The article uses the assistant's, which current servers refuse:
  // a request must end with the user (llama.cpp, Anthropic).
  Role observation_role = Role::user;

  std::uint32_t max_iterations = 20;    // calls of the model for one question
  std::uint64_t max_tokens = 0;         // prompts and replies of one run together; 0: no limit
  std::uint32_t max_format_errors = 3;  // replies in a row that are neither answer nor block

  std::optional<double> temperature = std::nullopt;
  std::optional<std::uint32_t> reply_tokens = std::nullopt;
  std::chrono::milliseconds block_wall{0};  // tighter than the policy's; 0: the policy's
  std::uint64_t memory_tokens = 0;          // 0: three quarters of the model's context window
};

// Keeps nothing of a run: all of it is in the run's log and in its context. Runs may go on side by
// side if their contexts and runners are different ones.
class CodeActAgent {
 public:
  // All three must outlive the agent.
  CodeActAgent(Model& model, BlockRunner& runner, ToolHost& tools, AgentOptions options);
  CodeActAgent(const CodeActAgent&) = delete;
  CodeActAgent& operator=(const CodeActAgent&) = delete;

  const Workflow& workflow() const { return workflow_; }

  // Starts to answer a question and returns at once: watch run->log(), await run->finish(). The
  // context may have been used by earlier questions, whose memory it then has. Error: bad_input.
  Result<std::unique_ptr<Run>> start(boost::asio::any_io_executor executor, std::string question,
                                     Context& context, RunOptions options);

  // The steps.
  boost::asio::awaitable<InputEvent> prepare_chat_history(StartEvent event, RunContext& run);
  boost::asio::awaitable<std::variant<CodeExecutionEvent, InputEvent, StopEvent>> handle_llm_input(
      InputEvent event, RunContext& run);
  boost::asio::awaitable<std::variant<InputEvent, CodeExecutionEvent, StopEvent>>
  handle_code_execution(CodeExecutionEvent event, RunContext& run);

 private:
  using Decision = std::variant<CodeExecutionEvent, InputEvent, StopEvent>;

  InputEvent input_from_memory(RunContext& run) const;
  std::optional<StopEvent> out_of_budget(RunContext& run) const;
  boost::asio::awaitable<Result<Reply>> ask(InputEvent& event, Scanner& scanner, RunContext& run);
  Decision decide(const Reply& reply, Scan scan, RunContext& run) const;
  Decision nudge(std::string problem, std::string text, RunContext& run) const;

  Model& model_;
  BlockRunner& runner_;
  ToolHost& tools_;
  const AgentOptions options_;
  Workflow workflow_;
};

}  // namespace caisson
