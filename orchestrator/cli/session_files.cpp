#include "orchestrator/cli/session_files.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/transfer.h"
#include "sandbox/base/json.h"
#include "sandbox/session/files.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;

// A path that is not there is the user's mistake.
int refuse(const Error& error) {
  complain(error.message);
  const bool theirs = error.code == Errc::not_found || error.code == Errc::bad_input;
  return theirs ? exit_usage : exit_code_for(error);
}

const char* word(FileInfo::Type type) {
  switch (type) {
    case FileInfo::Type::file:
      return "file";
    case FileInfo::Type::directory:
      return "directory";
    case FileInfo::Type::link:
      return "link";
    case FileInfo::Type::other:
      return "other";
  }
  return "";
}

std::string time_text(std::int64_t since_1970_us) {
  return fmt::format("{:%FT%TZ}", fmt::gmtime(static_cast<std::time_t>(since_1970_us / 1000000)));
}

void print(const FileInfo& file) {
  const bool sized = file.type == FileInfo::Type::file;
  fmt::print("{:>10}  {}  {}{}\n", sized ? shown_size(file.size_bytes) : word(file.type),
             time_text(file.modified_us), shown_name(file.name),
             file.type == FileInfo::Type::directory ? "/" : "");
}

void print_json(const FileInfo& file) {
  fmt::print("{}\n", json_line({{"name", shown_name(file.name)},
                                {"type", word(file.type)},
                                {"size", file.size_bytes},
                                {"modified", time_text(file.modified_us)}}));
}

}  // namespace

void SessionFiles::add_to(CLI::App& sessions, std::string& name) {
  auto* put = sessions.add_subcommand("put", "Copy files into a session's working directory");
  put->add_option("NAME", name, "the session")->required();
  put->add_option("LOCAL[:NAME]", words_, "regular files of this host; their name there")
      ->required();
  auto* get = sessions.add_subcommand("get", "Copy files out of a session's working directory");
  get->add_option("NAME", name, "the session")->required();
  get->add_option("NAME[:LOCAL]", words_, "files there; where they go")->required();
  get->footer(
      "Only regular files, at most 1 GiB each, and never through a symbolic link, on either side.");
  auto* list = sessions.add_subcommand("ls", "What is in a session's working directory");
  list->add_option("NAME", name, "the session")->required();
  list->add_option("PATH", path_, "a directory in it")->capture_default_str();
  list->add_option("--depth", depth_, "so many levels of directories below, at most 32")
      ->check(CLI::Range(0, 32))
      ->capture_default_str();
  list->add_flag("--json", json_, "one JSON object a line, one for each file");
  list->footer("What is no printable character of a name is shown as \\xNN.");
  commands_ = {put, get, list};
}

const CLI::App* SessionFiles::parsed() const {
  const auto found = std::find_if(commands_.begin(), commands_.end(),
                                  [](const CLI::App* command) { return command->parsed(); });
  return found == commands_.end() ? nullptr : *found;
}

boost::asio::awaitable<int> SessionFiles::run(Session& session) const {
  if (commands_[0]->parsed()) co_return co_await put(session);
  if (commands_[1]->parsed()) co_return co_await get(session);
  co_return co_await list(session);
}

boost::asio::awaitable<int> SessionFiles::put(Session& session) const {
  int status = exit_ok;
  for (const auto& each : words_) {
    const auto file = parse_put(each);
    auto done = file ? co_await upload(session, *file) : Result<void>(file.error());
    if (!done) status = std::max(status, refuse(done.error()));
  }
  co_return status;
}

boost::asio::awaitable<int> SessionFiles::get(Session& session) const {
  int status = exit_ok;
  for (const auto& each : words_) {
    const auto file = parse_get(each);
    auto done = file ? co_await download(session, *file) : Result<void>(file.error());
    if (!done) status = std::max(status, refuse(done.error()));
  }
  co_return status;
}

boost::asio::awaitable<int> SessionFiles::list(Session& session) const {
  ListOptions options;
  options.depth = depth_;
  const auto found = co_await session.list(path_, options, Deadline::after(patience));
  if (!found) co_return refuse(found.error());
  for (const auto& file : found->files) json_ ? print_json(file) : print(file);
  if (found->truncated) complain(fmt::format("only {} entries are listed", found->files.size()));
  co_return exit_ok;
}

}  // namespace caisson
