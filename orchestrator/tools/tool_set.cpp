#include "orchestrator/tools/tool_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/base/json.h"
#include "sandbox/base/utf8.h"

namespace caisson {

namespace {

constexpr std::size_t max_name_bytes = 128;
constexpr std::size_t max_signature_bytes = 4096;

Error refuse(std::size_t index, const std::string& what) {
  return Error(Errc::protocol, fmt::format("tool {} of the loaded file: {}", index + 1, what));
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// At most `limit` bytes, whole characters.
std::string shorten(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  text.resize(limit);
  text.resize(invalid_utf8(text));
  return text + "…";
}

Result<PythonTool> read_tool(const nlohmann::json& entry, std::size_t index) {
  if (!entry.is_object()) return refuse(index, "is not an object");
  PythonTool tool{get_string(entry, "name"), get_string(entry, "signature"),
                  get_string(entry, "doc")};
  if (tool.name.empty() || tool.name.size() > max_name_bytes ||
      python_name(tool.name) != tool.name) {
    return refuse(index, fmt::format("'{:.40}' is not a Python name", tool.name));
  }
  if (!tool.signature.starts_with('(') || tool.signature.size() > max_signature_bytes ||
      has_control(tool.signature)) {
    return refuse(index, fmt::format("{} has no usable signature", tool.name));
  }
  tool.doc = shorten(std::move(tool.doc), ToolSet::max_doc_bytes);
  return tool;
}

}  // namespace

Result<void> ToolSet::add_loaded(const nlohmann::json& loaded) {
  if (!loaded.is_array()) return Error(Errc::protocol, "the list of loaded tools is not a list");
  if (loaded.size() + tools_.size() > max_tools) {
    return Error(Errc::protocol, fmt::format("{} tools are more than the {} that fit a prompt",
                                             loaded.size() + tools_.size(), max_tools));
  }
  std::vector<PythonTool> read;
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    auto tool = read_tool(loaded[i], i);
    if (!tool) return tool.error();
    read.push_back(std::move(*tool));
  }
  for (auto& tool : read) add(std::move(tool));
  return {};
}

void ToolSet::add(PythonTool tool) {
  const auto same = std::find_if(tools_.begin(), tools_.end(),
                                 [&](const PythonTool& it) { return it.name == tool.name; });
  if (same != tools_.end()) {
    *same = std::move(tool);
  } else {
    tools_.push_back(std::move(tool));
  }
}

std::string ToolSet::names() const {
  std::string names;
  for (const auto& tool : tools_) names += (names.empty() ? "" : ", ") + tool.name;
  return names;
}

boost::asio::awaitable<Result<nlohmann::json>> NoHostTools::call(ToolCall call) {
  std::string message = fmt::format("there is no host tool '{:.80}' here", call.name);
  message += tools_.empty() ? "; no functions were given to this run"
                            : "; the functions that can be called are: " + tools_.names();
  co_return Error(Errc::not_found, message);
}

}  // namespace caisson
