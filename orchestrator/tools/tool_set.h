// The functions that the user gives to the model.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "orchestrator/chat/prompt.h"
#include "sandbox/base/result.h"
#include "sandbox/session/tool_host.h"

namespace caisson {

// A function of a file that was loaded into the session: sandboxed code calls it by its name, and
// it runs in the sandbox like the code that calls it.
using PythonTool = PromptFunction;

class ToolSet {
 public:
  // What a block of tools says it has defined (Outcome::loaded): a list of objects with "name",
  // "signature" and "doc" (a string or null). The guest wrote it, so everything is checked: names
  // are Python names, signatures are one line, at most `max_tools` tools and `max_doc_bytes` of a
  // doc, the rest of which is left out. A name that is there already is replaced: Python does the
  // same. Error: protocol, and the set is as before.
  Result<void> add_loaded(const nlohmann::json& loaded);
  void add(PythonTool tool);

  const std::vector<PythonTool>& tools() const { return tools_; }
  bool empty() const { return tools_.empty(); }
  std::string names() const;  // "add, subtract"

  static constexpr std::size_t max_tools = 1000;
  static constexpr std::size_t max_doc_bytes = 4096;

 private:
  std::vector<PythonTool> tools_;
};

// For sessions whose functions all live in the sandbox: every call to the host is answered with an
// error that says which functions there are. The set must outlive it.
class NoHostTools final : public ToolHost {
 public:
  explicit NoHostTools(const ToolSet& tools) : tools_(tools) {}
  boost::asio::awaitable<Result<nlohmann::json>> call(ToolCall call) override;

 private:
  const ToolSet& tools_;
};

}  // namespace caisson
