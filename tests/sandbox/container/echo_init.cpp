// PID 1 of the containers of these tests: listens on the channel's socket (or, with "--stdio", uses
// stdin and stdout) and answers each line. Built static, because the root file system is empty.
#include <fcntl.h>
#include <linux/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

std::string read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::string("error: ") + std::strerror(errno);
  std::string text(65536, '\0');
  const auto got = ::read(fd, text.data(), text.size());
  ::close(fd);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

std::string write_file(const std::string& path, std::size_t bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return std::string("error: ") + std::strerror(errno);
  const std::string block(65536, 'x');
  while (bytes != 0) {
    const auto sent = ::write(fd, block.data(), bytes < block.size() ? bytes : block.size());
    if (sent <= 0) {
      ::close(fd);
      return std::string("error: ") + std::strerror(errno);
    }
    bytes -= static_cast<std::size_t>(sent);
  }
  ::close(fd);
  return "written";
}

std::string limit(int resource) {
  rlimit now{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &now);
  return std::to_string(now.rlim_cur) + " " + std::to_string(now.rlim_max);
}

std::string loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  const bool up = ::ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
  ::close(fd);
  return up ? "up" : "down";
}

std::string fork_until_refused() {
  int children = 0;
  for (; children < 1000; ++children) {
    const pid_t pid = ::fork();
    if (pid < 0) break;
    if (pid == 0) {
      ::pause();
      ::_exit(0);
    }
  }
  return std::to_string(children);
}

// Commands are a word and, for most, an argument.
std::string answer(const std::string& line) {
  const auto space = line.find(' ');
  const auto verb = line.substr(0, space);
  const auto rest = space == std::string::npos ? "" : line.substr(space + 1);
  if (verb == "echo") return rest;
  if (verb == "read") return read_file(rest);
  if (verb == "write") return write_file(rest.substr(rest.find(' ') + 1), std::stoul(rest));
  if (verb == "mkdir") {
    return ::mkdir(rest.c_str(), 0700) == 0 ? "made"
                                            : std::string("error: ") + std::strerror(errno);
  }
  if (verb == "mode") {
    struct stat facts{};
    if (::stat(rest.c_str(), &facts) != 0) return std::string("error: ") + std::strerror(errno);
    char text[64];
    std::snprintf(text, sizeof text, "%o %u:%u", facts.st_mode & 07777U, facts.st_uid,
                  facts.st_gid);
    return text;
  }
  if (verb == "who") {
    return std::to_string(::getpid()) + " " + std::to_string(::getuid()) + ":" +
           std::to_string(::getgid());
  }
  if (verb == "cwd") {
    char path[4096];
    return ::getcwd(path, sizeof path);
  }
  if (verb == "hostname") {
    char name[256];
    ::gethostname(name, sizeof name);
    return name;
  }
  if (verb == "limit") return limit(std::stoi(rest));
  if (verb == "lo") return loopback();
  if (verb == "forks") return fork_until_refused();
  // The filter of these tests answers this one call with errno 38 (ENOSYS).
  if (verb == "filtered") {
    return ::syscall(SYS_add_key, nullptr, nullptr, nullptr, 0, 0) < 0 ? std::strerror(errno)
                                                                       : "allowed";
  }
  if (verb == "say") {
    static_cast<void>(!::write(2, (rest + "\n").c_str(), rest.size() + 1));
    return "said";
  }
  if (verb == "exit") ::exit(std::stoi(rest));
  if (verb == "eat") {
    for (;;) {
      ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
             -1, 0);
    }
  }
  return "unknown command";
}

// Until the other side ends. An answer ends with a NUL, since it may have several lines.
void serve(int in, int out) {
  std::string line;
  char letter = 0;
  while (::read(in, &letter, 1) == 1) {
    if (letter != '\n') {
      line += letter;
      continue;
    }
    const auto text = answer(line) + '\0';
    for (std::size_t at = 0; at < text.size();) {
      const auto sent = ::write(out, text.data() + at, text.size() - at);
      if (sent <= 0) return;
      at += static_cast<std::size_t>(sent);
    }
    line.clear();
  }
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "--stdio") {
    serve(0, 1);
    return 0;
  }
  if (mode == "--fail") {
    std::fprintf(stderr, "echo_init: cannot go on\n");
    return 7;
  }
  if (mode == "--silent") {
    for (;;) ::pause();
  }
  const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/caisson/channel.sock");
  if (::bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening, 4) != 0) {
    std::perror("echo_init: channel.sock");
    return 1;
  }
  for (;;) {
    const int connection = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    serve(connection, connection);
    ::close(connection);
  }
}
