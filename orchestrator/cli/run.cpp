// caisson run: a model answers questions with code that runs in a sandbox.
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "orchestrator/agent/agent.h"
#include "orchestrator/agent/render.h"
#include "orchestrator/app/session_runner.h"
#include "orchestrator/chat/prompt.h"
#include "orchestrator/cli/block_time.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"
#include "orchestrator/cli/files.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/with_session.h"
#include "orchestrator/llm/make_model.h"
#include "orchestrator/llm/scripted.h"
#include "orchestrator/tools/tool_set.h"

namespace caisson {
namespace {

struct RunFlags {
  std::vector<std::string> questions;
  std::vector<std::string> tools;
  std::string prompt_file;
  std::string timeout;
  std::string mode = "first";
  std::uint32_t max_iterations = 20;
  bool verbose = false;
  bool json = false;
  bool graph = false;
  SessionFlags session;
};

struct Task {
  CheckedPolicy policy;
  std::unique_ptr<Model> model;
  std::vector<ToolFile> tools;
  std::string prompt_template;  // empty: ours
  AgentOptions agent;
};

ScanMode scan_mode(const std::string& name) {
  return name == "each" ? ScanMode::each : name == "join" ? ScanMode::join : ScanMode::first;
}

std::unique_ptr<EventSink> make_view(const RunFlags& flags) {
  if (flags.json) return std::make_unique<JsonLines>(std::cout);
  if (flags.verbose) return std::make_unique<VerboseTranscript>(std::cout);
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  return std::make_unique<LiveView>(std::cout, terminal ? Colours::ansi : Colours::none);
}

Result<std::string> system_prompt(const Task& task, const ToolSet& tools) {
  const auto& policy = task.policy.policy;
  PromptFacts facts;
  facts.wall = policy.time.block;
  const auto own = task.agent.block_wall;
  if (own > own.zero() && own < facts.wall) facts.wall = own;
  facts.memory_bytes = policy.resources.memory_max_bytes;
  facts.output_bytes = task.agent.observation.budget_bytes;
  facts.max_iterations = task.agent.max_iterations;
  if (policy.network.mode == NetworkMode::none) facts.network = "There is no network.";
  for (const auto& [name, module] : policy.python.aliases) {
    facts.modules.push_back(fmt::format("{} (bound as {})", module, name));
  }
  const auto text = task.prompt_template.empty() ? default_prompt_template(facts, tools.tools())
                                                 : task.prompt_template;
  return render_prompt(text, tools.tools());
}

asio::awaitable<int> answer(Session& session, Task& task, const RunFlags& flags) {
  SessionRunner runner(session, std::move(task.tools));
  auto tools = co_await runner.load_tools();
  if (!tools) {
    complain(printable(tools.error().message));
    co_return exit_code_for(tools.error());
  }
  auto prompt = system_prompt(task, *tools);
  if (!prompt) {
    complain(prompt.error().message);
    co_return exit_code_for(prompt.error());
  }
  task.agent.system_prompt = std::move(*prompt);
  NoHostTools host(*tools);
  CodeActAgent agent(*task.model, runner, host, task.agent);
  Context conversation;
  const auto view = make_view(flags);
  int status = exit_ok;
  for (const auto& question : flags.questions) {
    RunOptions options;
    options.sinks = {view.get()};
    auto run =
        agent.start(co_await asio::this_coro::executor, question, conversation, std::move(options));
    if (!run) {
      complain(run.error().message);
      co_return exit_usage;
    }
    const auto stop = co_await (*run)->finish();
    std::cout.flush();
    if (stop.reason == StopReason::final_answer) continue;
    complain(fmt::format("{}: {}", name(stop.reason), stop.message));
    const bool broken = stop.reason == StopReason::llm_error ||
                        stop.reason == StopReason::sandbox_lost || stop.reason == StopReason::fault;
    if (broken) co_return exit_infrastructure;
    status = exit_not_ok;
  }
  co_return status;
}

// Everything that can be wrong before a sandbox is needed.
Result<Task> prepare(const Config& config, const RunFlags& flags) {
  Task task;
  auto policy = load_checked_policy(config);
  if (!policy) return policy.error();
  task.policy = std::move(*policy);
  ModelConfig model;
  model.model = config.model;
  model.base_url = config.base_url;
  model.api_key = config.api_key;
  model.proxies = {config.http_proxy, config.https_proxy, config.no_proxy};
  model.ca_file = config.ca_file;
  auto made = make_model(model);
  if (!made) return made.error();
  task.model = std::move(*made);
  for (const auto& file : flags.tools) {
    auto text = read_file(file, task.policy.policy.input.max_bytes);
    if (!text) return text.error();
    task.tools.push_back({file.substr(file.find_last_of('/') + 1), std::move(*text)});
  }
  if (!flags.prompt_file.empty()) {
    auto text = read_file(flags.prompt_file, 1 << 20);
    if (!text) return text.error();
    task.prompt_template = std::move(*text);
  }
  auto wall = parse_block_time(flags.timeout, task.policy.policy);
  if (!wall) return wall.error();
  task.agent.block_wall = *wall;
  task.agent.max_iterations = flags.max_iterations;
  task.agent.scanner.mode = scan_mode(flags.mode);
  return task;
}

class NoRunner final : public BlockRunner {
  asio::awaitable<Result<Outcome>> run(Block, Deadline, OutputSink&, ToolHost&) override {
    co_return Error(Errc::closed, "the graph only");
  }
};

int print_graph(Model& model) {
  NoRunner runner;
  ToolSet none;
  NoHostTools tools(none);
  fmt::print("{}", CodeActAgent(model, runner, tools, {}).workflow().mermaid());
  return exit_ok;
}

}  // namespace

Command add_run(CLI::App& cli, Config& config) {
  auto flags = std::make_shared<RunFlags>();
  auto* command =
      cli.add_subcommand("run", "Let a model answer questions with code that runs in a sandbox");
  command->footer(
      "The questions are one conversation: memory and variables live from one to the next.\n"
      "A model is a name that --base-url knows (the key comes from OPENAI_API_KEY), or\n"
      "script:FILE, which plays turns from a file and needs no network.\n\n"
      "Examples:\n"
      "  caisson run 'What is the 50th prime?'\n"
      "  caisson run --model llama3 --base-url http://localhost:11434/v1 --tools mine.py 'Use my "
      "functions'\n\n"
      "Exit status: 0 every question was answered, 1 a run ended without an answer,\n"
      "2 wrong usage, policy or tools, 3 no model or no sandbox.");
  command->add_option("--model", config.model, "a model's name, or script:FILE")
      ->capture_default_str()
      ->type_name("MODEL");
  command->add_option("--base-url", config.base_url, "an OpenAI-compatible server")
      ->capture_default_str()
      ->type_name("URL");
  command
      ->add_option("--tools", flags->tools,
                   "Python file with functions for the model; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      ->add_option("--prompt", flags->prompt_file,
                   "system prompt, with {fn_str} where the functions go")
      ->type_name("FILE");
  command
      ->add_option("--mode", flags->mode,
                   "blocks of one reply: the first alone, each, or all joined")
      ->check(CLI::IsMember({"first", "each", "join"}))
      ->capture_default_str();
  command
      ->add_option("--max-iterations", flags->max_iterations, "calls of the model for one question")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--timeout", flags->timeout,
                   "wall-clock limit of each block, within the policy's: 500ms, 10s")
      ->type_name("TIME");
  auto* verbose = command->add_flag("--verbose", flags->verbose,
                                    "the plain transcript: question, reply, parsed code");
  command->add_flag("--json", flags->json, "print the run's events, one JSON object a line")
      ->excludes(verbose);
  command->add_flag("--graph", flags->graph, "print the workflow as a Mermaid diagram and end");
  add_session_flags(*command, flags->session);
  add_sandbox_flags(*command, config);
  command->add_option("QUESTION", flags->questions, "what to ask");
  auto start = [command, flags, &config]() -> int {
    if (flags->graph) {
      ScriptedModel model("none", {}, 0);
      return print_graph(model);
    }
    if (flags->questions.empty()) {
      complain("run: no question was given");
      return exit_usage;
    }
    if (auto used = use_settings_of_session(*command, flags->session, config); !used) {
      complain(used.error().message);
      return exit_code_for(used.error());
    }
    auto task = prepare(config, *flags);
    if (!task) {
      complain(task.error().message);
      return exit_code_for(task.error());
    }
    auto questions = [&](App& app, Session& session) {
      if (!flags->json) {
        fmt::print(stderr, "model {}, policy {}, {}\n", task->model->name(), config.policy,
                   app.backend_line());
      }
      return answer(session, *task, *flags);
    };
    return run_command(
        [&] { return with_session(config, task->policy, flags->session, questions); });
  };
  return {command, start};
}

}  // namespace caisson
