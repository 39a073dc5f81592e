// caisson sessions put | get | ls: files of a named session.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/session/session.h"

namespace caisson {

class SessionFiles {
 public:
  // Adds put, get and ls; `name` gets the session's.
  void add_to(CLI::App& sessions, std::string& name);
  // The one that was given, or null.
  const CLI::App* parsed() const;
  const std::vector<CLI::App*>& commands() const { return commands_; }

  // The exit status. Says what goes wrong, and does the rest.
  boost::asio::awaitable<int> run(Session& session) const;

 private:
  boost::asio::awaitable<int> put(Session& session) const;
  boost::asio::awaitable<int> get(Session& session) const;
  boost::asio::awaitable<int> list(Session& session) const;

  std::vector<CLI::App*> commands_;
  std::vector<std::string> words_;
  std::string path_ = ".";
  std::uint16_t depth_ = 0;
  bool json_ = false;
};

}  // namespace caisson
