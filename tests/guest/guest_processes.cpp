// What the tests of init see of its processes from outside.
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/guest/guest_fixture.h"

namespace caisson::test {
namespace {

pid_t parent_of(pid_t pid) {
  // Not by iterators: those throw when the process ends between the opening and the reading.
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text, '\0');
  const auto end = text.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream rest(text.substr(end + 1));
  char state = 0;
  pid_t parent = 0;
  rest >> state >> parent;
  return state == 'Z' || state == 'X' ? 0 : parent;
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(std::stoi(name));
  }
  return pids;
}

}  // namespace

std::string no_pid_namespace() {
  if (::geteuid() != 0) return "only root may make PID namespaces";
  const int status = ::system("/usr/bin/unshare --pid --fork --mount-proc true 2>/dev/null");
  return status == 0 ? "" : "unshare(1) cannot make a PID namespace here";
}

std::vector<pid_t> find_processes(std::string_view word) {
  std::vector<pid_t> found;
  for (const pid_t pid : all_pids()) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
    std::string line;
    for (std::string part; std::getline(file, part, '\0');) line += part + " ";
    if (line.find(word) != std::string::npos && pid != ::getpid()) found.push_back(pid);
  }
  return found;
}

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * 4096;
}

bool is_alive(pid_t pid) {
  return parent_of(pid) != 0;
}

bool is_descendant(pid_t pid, pid_t ancestor) {
  for (int depth = 0; depth < 100 && pid > 1; ++depth) {
    pid = parent_of(pid);
    if (pid == ancestor) return true;
  }
  return false;
}

std::vector<pid_t> descendants(pid_t ancestor) {
  auto pids = all_pids();
  std::erase_if(pids, [ancestor](pid_t pid) { return !is_descendant(pid, ancestor); });
  return pids;
}

}  // namespace caisson::test
