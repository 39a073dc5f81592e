#include "orchestrator/agent/agent.h"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "orchestrator/agent/watch_block.h"
#include "orchestrator/llm/tokens.h"

namespace caisson {

namespace asio = boost::asio;

namespace {

// How often a question is asked again with less memory when the server says that it is too long.
constexpr int max_compactions = 2;
// From how many replies left on it is said that they are few.
constexpr std::uint32_t few_iterations = 3;

std::string make_nonce() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

void emit(std::vector<Piece> pieces, EventLog& log) {
  for (auto& piece : pieces) {
    if (piece.part == Piece::Part::reasoning) {
      log.append(ReasoningEvent{std::move(piece.text)});
    } else {
      log.append(StreamEvent{std::move(piece.text), piece.part});
    }
  }
}

bool is_blank(std::string_view text) {
  return trim(text).empty();
}

}  // namespace

CodeActAgent::CodeActAgent(Model& model, BlockRunner& runner, ToolHost& tools, AgentOptions options)
    : model_(model), runner_(runner), tools_(tools), options_(std::move(options)) {
  workflow_.add("prepare_chat_history", *this, &CodeActAgent::prepare_chat_history);
  workflow_.add("handle_llm_input", *this, &CodeActAgent::handle_llm_input);
  workflow_.add("handle_code_execution", *this, &CodeActAgent::handle_code_execution);
}

Result<std::unique_ptr<Run>> CodeActAgent::start(asio::any_io_executor executor,
                                                 std::string question, Context& context,
                                                 RunOptions options) {
  auto run = std::make_unique<Run>(executor, workflow_, context, std::move(options));
  if (auto started = run->start(StartEvent{std::move(question)}); !started) return started.error();
  return run;
}

InputEvent CodeActAgent::input_from_memory(RunContext& run) const {
  auto window = run.context.memory->window(options_.system_prompt);
  if (window.shrunk > 0 || window.dropped > 0) {
    run.log.append(CompactionEvent{window.shrunk, window.dropped});
  }
  return {std::move(window.messages)};
}

asio::awaitable<InputEvent> CodeActAgent::prepare_chat_history(StartEvent event, RunContext& run) {
  if (!run.context.memory) {
    const auto limit = options_.memory_tokens > 0 ? options_.memory_tokens
                                                  : Memory::limit_for(model_.context_window());
    run.context.memory.emplace(limit, estimate_tokens);
  }
  run.context.memory->add_question(std::move(event.user_input));
  co_return input_from_memory(run);
}

std::optional<StopEvent> CodeActAgent::out_of_budget(RunContext& run) const {
  const auto& state = run.state();
  if (state.iterations >= options_.max_iterations) {
    return StopEvent{StopReason::max_iterations, "",
                     fmt::format("no answer within {} replies of the model", state.iterations)};
  }
  if (options_.max_tokens > 0 && state.tokens >= options_.max_tokens) {
    return StopEvent{
        StopReason::max_tokens, "",
        fmt::format("{} tokens are used, {} were allowed", state.tokens, options_.max_tokens)};
  }
  const auto left = options_.max_iterations - state.iterations;
  if (left == few_iterations && options_.max_iterations > few_iterations) {
    run.log.append(BudgetWarningEvent{"iterations", left});
  }
  return std::nullopt;
}

// One reply of the model, streamed through the scanner. A request that is too long for the server
// is made shorter and asked again: nothing has been shown of it then.
asio::awaitable<Result<Reply>> CodeActAgent::ask(InputEvent& event, Scanner& scanner,
                                                 RunContext& run) {
  for (int compactions = 0;; ++compactions) {
    std::uint64_t tokens = 0;
    for (const auto& message : event.input) tokens += estimate_tokens(message.content);
    if (compactions == 0) {
      run.log.append(
          LlmRequestEvent{run.state().iterations + 1, model_.name(), event.input.size(), tokens});
    }
    Request request{event.input, options_.temperature, options_.reply_tokens};
    auto reader = [&scanner, &run](const Delta& delta) {
      if (!delta.reasoning.empty()) run.log.append(ReasoningEvent{delta.reasoning});
      emit(scanner.feed(delta.content), run.log);
      return scanner.enough() ? Reading::enough : Reading::go_on;
    };
    auto reply = co_await model_.complete(std::move(request), run.deadline, std::move(reader));
    const bool too_long = !reply && reply.error().code == Errc::too_large;
    if (!too_long || compactions == max_compactions) co_return reply;
    auto& memory = *run.context.memory;
    memory.lower_limit(std::min(memory.limit_tokens(), tokens) / 2);
    event = input_from_memory(run);
  }
}

asio::awaitable<std::variant<CodeExecutionEvent, InputEvent, StopEvent>>
CodeActAgent::handle_llm_input(InputEvent event, RunContext& run) {
  if (auto stop = out_of_budget(run)) co_return std::move(*stop);
  Scanner scanner(options_.scanner);
  const auto reply = co_await ask(event, scanner, run);
  if (!reply) {
    const auto& error = reply.error();
    if (error.code == Errc::timed_out && run.deadline.passed()) {
      co_return StopEvent{StopReason::max_wall, "", "the run's time is over"};
    }
    run.log.append(ErrorEvent{"model", error.message});
    co_return StopEvent{StopReason::llm_error, "", error.message};
  }
  run.log.append(
      LlmUsageEvent{reply->usage.prompt, reply->usage.completion, reply->usage.estimated});
  const bool cut = reply->end == ReplyEnd::length || reply->end == ReplyEnd::truncated ||
                   reply->finish_reason == "content_filter";
  std::vector<Piece> rest;
  auto scan = scanner.finish(cut ? TextEnd::cut : TextEnd::whole, rest);
  emit(std::move(rest), run.log);
  // What is blank says nothing to the model, and servers refuse empty messages.
  if (!is_blank(scan.text)) run.context.memory->add_reply(scan.text);
  co_return decide(*reply, std::move(scan), run);
}

CodeActAgent::Decision CodeActAgent::decide(const Reply& reply, Scan scan, RunContext& run) const {
  if (reply.finish_reason == "content_filter") {
    return StopEvent{StopReason::content_filter, scan.text, "the provider's filter cut the reply"};
  }
  if (!reply.refusal.empty() && scan.blocks.empty()) {
    return StopEvent{StopReason::refused, reply.refusal, "the model declined"};
  }
  const auto& tag = options_.scanner.delimiters;
  switch (scan.status) {
    case ScanStatus::code: {
      if (reply.lost_events > 0) {
        return nudge("lost_events",
                     "Parts of your reply were lost on the way, so your code did "
                     "not run. Please write it again.",
                     run);
      }
      auto first = std::move(scan.blocks.front());
      scan.blocks.erase(scan.blocks.begin());
      return CodeExecutionEvent{std::move(first), std::move(scan.blocks)};
    }
    case ScanStatus::empty:
      return nudge("empty",
                   "Your block had no code in it, so nothing ran. Write the code between " +
                       tag.open + " and " + tag.close + ", or give the answer without a block.",
                   run);
    case ScanStatus::truncated:
      if (reply.end == ReplyEnd::truncated) break;  // not the model's fault: below
      return nudge("truncated",
                   "Your reply was cut off inside of a block, so its code did not "
                   "run. Write it again, shorter.",
                   run);
    case ScanStatus::unclosed:
      return nudge("unclosed",
                   "Your block had no end (" + tag.close +
                       " is missing), so its code "
                       "did not run. Write one block, close it, and stop.",
                   run);
    case ScanStatus::none:
      break;
  }
  if (reply.end == ReplyEnd::truncated) {
    if (run.state().nudges_in_a_row + 1 >= options_.max_format_errors) {
      return StopEvent{StopReason::llm_error, "",
                       "the model's stream broke off again: " + reply.problem};
    }
    return nudge("truncated",
                 "The connection broke off in the middle of your reply. Please give "
                 "it again.",
                 run);
  }
  if (is_blank(scan.text)) {
    return nudge("no_text", "Your reply was empty. Write a block of code, or give the answer.",
                 run);
  }
  StopEvent answer{StopReason::final_answer, std::move(scan.text), ""};
  if (reply.end == ReplyEnd::length) {
    answer.message = "the answer was cut at the model's token limit";
  }
  return answer;
}

CodeActAgent::Decision CodeActAgent::nudge(std::string problem, std::string text,
                                           RunContext& run) const {
  run.log.append(ParseProblemEvent{problem, text});
  if (run.state().nudges_in_a_row + 1 >= options_.max_format_errors) {
    return StopEvent{StopReason::format_errors, "",
                     fmt::format("{} replies in a row could not be used; the last one: {}",
                                 run.state().nudges_in_a_row + 1, problem)};
  }
  run.log.append(NudgeEvent{text});
  run.context.memory->add_observation(Role::user, std::move(text));
  return input_from_memory(run);
}

asio::awaitable<std::variant<InputEvent, CodeExecutionEvent, StopEvent>>
CodeActAgent::handle_code_execution(CodeExecutionEvent event, RunContext& run) {
  WatchedOutput output(run.log);
  WatchedTools tools(run.log, tools_);
  Block block;
  block.code = std::move(event.code);
  block.wall = options_.block_wall;
  auto result = co_await runner_.run(std::move(block), run.deadline, output, tools);
  output.finish();
  if (!result) {
    run.log.append(ErrorEvent{"sandbox", result.error().message});
    const bool late = result.error().code == Errc::timed_out && run.deadline.passed();
    co_return StopEvent{late ? StopReason::max_wall : StopReason::sandbox_lost, "",
                        result.error().message};
  }

  const auto& outcome = *result;
  const bool go_on = outcome.status == Status::ok && !event.rest.empty();
  ObservationFacts facts;
  facts.nonce = make_nonce();
  facts.called = tools.called();
  if (!go_on) {
    facts.max_iterations = options_.max_iterations;
    facts.iterations_left = options_.max_iterations - run.state().iterations;
    facts.blocks_not_run = static_cast<std::uint32_t>(event.rest.size());
  }
  auto text = observe(outcome, options_.observation, facts);
  run.log.append(ResultEvent{outcome, text});
  if (outcome.state.change == StateChange::committed) {
    run.log.append(CheckpointEvent{outcome.state.checkpoint});
  } else if (outcome.state.change == StateChange::rolled_back) {
    run.log.append(RollbackEvent{outcome.state.checkpoint, outcome.reason});
  }
  // Memory has it also when the run ends here: the next question of the conversation may ask. The
  // plain style may have nothing to say, but servers refuse empty messages.
  run.context.memory->add_observation(options_.observation_role,
                                      is_blank(text) ? "[no output]" : std::move(text));
  if (outcome.status == Status::lost) {
    co_return StopEvent{StopReason::sandbox_lost, "", outcome.reason};
  }
  if (outcome.status == Status::cancelled && run.deadline.passed()) {
    co_return StopEvent{StopReason::max_wall, "", "the run's time is over"};
  }
  if (outcome.status == Status::cancelled) {
    co_return StopEvent{StopReason::cancelled, "", outcome.reason};
  }
  if (go_on) {
    auto next = std::move(event.rest.front());
    event.rest.erase(event.rest.begin());
    co_return CodeExecutionEvent{std::move(next), std::move(event.rest)};
  }
  co_return input_from_memory(run);
}

}  // namespace caisson
