#include "tests/sandbox/container/echo_container.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "sandbox/container/cgroup.h"

namespace caisson::test {

namespace fs = std::filesystem;
namespace asio = boost::asio;

TemporaryDirectory::TemporaryDirectory() {
  auto name = (fs::temp_directory_path() / "caisson-test-XXXXXX").string();
  path_ = ::mkdtemp(name.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void make_echo_files(const fs::path& at) {
  ::chmod(at.c_str(), 0755);
  fs::create_directories(at / "guest");
  fs::copy_file(ECHO_INIT, at / "guest" / "init", fs::copy_options::overwrite_existing);
  fs::create_directories(at / "channel");
  ::chmod((at / "channel").c_str(), 0777);
  for (const char* place :
       {"proc", "dev", "sys", "tmp", "workspace", "caisson", "run/caisson", "usr/bin", "etc"}) {
    fs::create_directories(at / "image" / place);
  }
  std::ofstream(at / "image" / "usr/bin/python3") << "not really\n";
}

ContainerSpec echo_spec(const fs::path& at, std::string id) {
  Policy policy;
  policy.name = "echo";
  policy.process.user = 10001;
  policy.process.group = 10002;
  policy.process.hostname = "echo-host";
  policy.resources.pids_max = 9;
  policy.resources.cpus = 0.5;
  Mount work;
  work.target = "/workspace";
  work.size_bytes = 1 << 20;
  work.inodes = 16;
  Mount temporary = work;
  temporary.target = "/tmp";
  policy.filesystem.mounts = {work, temporary};
  CompiledPolicy compiled;
  compiled.container_memory_bytes = 64 << 20;
  compiled.rlimits = {{4, 0, 0}, {7, 256, 512}};  // core, nofile
  compiled.seccomp_json =
      R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],
          "syscalls":[{"names":["add_key"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]})";
  compiled.docker_seccomp_json =
      R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],
          "syscalls":[{"names":["add_key"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]})";
  auto spec = make_spec(policy, compiled, (at / "image").string());
  spec.id = std::move(id);
  spec.guest_dir = (at / "guest").string();
  spec.channel_dir = (at / "channel").string();
  return spec;
}

asio::awaitable<std::string> ask(ByteStream& stream, std::string line) {
  line += '\n';
  co_await stream.write(asio::buffer(line));
  std::string answer;
  for (;;) {
    char piece[4096];
    const auto got = co_await stream.read_some(asio::buffer(piece));
    if (got == 0) co_return answer + "(end)";
    answer.append(piece, got);
    if (answer.back() == '\0') break;
  }
  answer.pop_back();
  co_return answer;
}

std::vector<std::string> leftovers(const std::string& word) {
  std::vector<std::string> found;
  for (const auto& group : cgroups_with_prefix("")) {
    if (group.find(word) != std::string::npos) found.push_back("cgroup " + group);
  }
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(word) != std::string::npos) found.push_back("mount " + line);
  }
  for (const auto& process : fs::directory_iterator("/proc")) {
    const auto pid = process.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (pid == std::to_string(::getpid())) continue;
    std::string line;
    for (const char* name : {"cmdline", "cgroup"}) {
      // By lines: a process that ends meanwhile is the end of its file.
      std::ifstream file(process.path() / name);
      for (std::string part; std::getline(file, part);) line += part + ' ';
    }
    std::replace(line.begin(), line.end(), '\0', ' ');
    if (line.find(word) != std::string::npos) found.push_back("process " + pid + " " + line);
  }
  return found;
}

}  // namespace caisson::test
