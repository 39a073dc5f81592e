// The compiled filter and ruleset in a real kernel: a child puts them on itself and tries.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "sandbox/policy/compile.h"
#include "sandbox/policy/groups.h"
#include "tests/sandbox/policy/policy_cases.h"

namespace caisson {
namespace {

using Program = std::vector<sock_filter>;

// Nobody answers notifications here: they get an errno that no call below gives by itself. The
// calls that init would let through are let through by number.
constexpr int explained = EXFULL;

Program without_listener(const CompiledPolicy& policy) {
  Program program;
  for (const auto& call : policy.notified) {
    if (call.mediation == Mediation::refuse) continue;
    program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    program.push_back(
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call.number), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  const auto mediated = program.size();
  program.resize(mediated + policy.inner_filter.size() / sizeof(sock_filter));
  std::memcpy(program.data() + mediated, policy.inner_filter.data(), policy.inner_filter.size());
  for (auto& step : program) {
    if (step.code == (BPF_RET | BPF_K) && step.k == SECCOMP_RET_USER_NOTIF) {
      step.k = SECCOMP_RET_ERRNO | explained;
    }
  }
  return program;
}

bool install(Program& program) {
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

// Runs `work` in a child; its result is what waitpid() says.
int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

// Calls whose arguments make them fail, or do nothing, when they get through.
const VerdictCase tried[] = {
    {"", "mount", {}, "", ""},
    {"", "ptrace", {.args = {99}}, "", ""},
    {"", "bpf", {.args = {999}}, "", ""},
    {"", "keyctl", {.args = {999}}, "", ""},
    {"", "clone3", {}, "", ""},
    {"", "io_uring_setup", {}, "", ""},
    {"", "socket", {.args = {2, 1}}, "", ""},
    {"", "socket", {.args = {1, 99}}, "", ""},
    {"", "socket", {.args = {16, 3}}, "", ""},
    {"", "unshare", {.args = {0x10000000}}, "", ""},
    {"", "personality", {.args = {0x40000}}, "", ""},
    {"", "personality", {.args = {0xffffffff}}, "", ""},
    {"", "ioctl", {.args = {999, 0x5412}}, "", ""},
    {"", "ioctl", {.args = {999, 0x5401}}, "", ""},
    {"", "fcntl", {.args = {999, 8, 1}}, "", ""},
    {"", "fcntl", {.args = {999, 1}}, "", ""},
    {"", "prlimit64", {.args = {1, 0, 1}}, "", ""},
    {"", "prctl", {.args = {22, 1}}, "", ""},
    {"", "prctl", {.args = {3}}, "", ""},
    {"", "chown", {}, "", ""},
    {"", "mbind", {}, "", ""},
    {"", "splice", {}, "", ""},
    {"", "userfaultfd", {.args = {~0ULL}}, "", ""},
    {"", "getppid", {}, "", ""},
    {"", "pidfd_getfd", {.args = {999}}, "", ""},
    {"", "setuid", {.args = {~0ULL}}, "", ""},
    {"", "shmget", {}, "", ""},
};

TEST(Kernel, AgreesWithTheSimulation) {
  const auto policy = compiled(loaded("strict"));
  auto program = without_listener(policy);
  for (const auto& row : tried) {
    auto call = row.call;
    call.number = static_cast<std::uint32_t>(syscall_number(row.name));
    const auto expected = to_text(*evaluate(policy.inner_filter, call));
    const int status = in_child([&] {
      if (!install(program)) return 255;
      const auto& args = call.args;
      errno = 0;
      const long result =
          ::syscall(call.number, args[0], args[1], args[2], args[3], args[4], args[5]);
      return result == -1 ? errno : 0;
    });
    ASSERT_TRUE(WIFEXITED(status)) << row.name;
    const int error = WEXITSTATUS(status);
    if (expected == "notify") {
      EXPECT_EQ(error, explained) << row.name;
    } else if (expected == "allow") {
      EXPECT_NE(error, explained) << row.name;
      EXPECT_NE(error, EPERM) << row.name;
      EXPECT_NE(error, ENOSYS) << row.name;
    } else {
      EXPECT_EQ("errno " + std::to_string(error), expected) << row.name;
    }
  }
}

// K-24 and K-26: the 32-bit entry of the kernel and the x32 ABI.
TEST(Kernel, KillsForeignArchitectures) {
  auto program = without_listener(compiled(loaded("strict")));
  const int i386 = in_child([&] {
    if (!install(program)) return 255;
    long result = 20;  // getpid
    asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(i386));
  if (WTERMSIG(i386) == SIGSEGV) GTEST_SKIP() << "this kernel has no 32-bit entry at all";
  EXPECT_EQ(WTERMSIG(i386), SIGSYS);
  const int x32 = in_child([&] {
    if (!install(program)) return 255;
    ::syscall(0x40000000 | SYS_getpid);
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(x32));
  EXPECT_EQ(WTERMSIG(x32), SIGSYS);
}

#ifndef SYS_landlock_create_ruleset
#error "these kernel headers are older than Landlock"
#endif

struct Ruleset {
  std::uint64_t fs, net, scoped;
};
struct __attribute__((packed)) Beneath {
  std::uint64_t access;
  int parent;
};

long landlock_abi() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U);
}

// As init does it on a kernel of ABI 6 or newer.
bool restrict_paths(const Landlock& landlock) {
  const Ruleset attributes{landlock.handled_fs, landlock.handled_net, landlock.scoped};
  const auto set =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (set < 0) return false;
  for (const auto& rule : landlock.rules) {
    const int path = ::open(rule.path.c_str(), O_PATH | O_CLOEXEC);
    if (path < 0) continue;
    struct stat about{};
    ::fstat(path, &about);
    constexpr std::uint64_t of_files = 1U << 0 | 1U << 1 | 1U << 2 | 1U << 14 | 1U << 15;
    const Beneath beneath{S_ISDIR(about.st_mode) ? rule.access : rule.access & of_files, path};
    if (::syscall(SYS_landlock_add_rule, set, 1, &beneath, 0) != 0) return false;
    ::close(path);
  }
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_landlock_restrict_self, set, 0) == 0;
}

int open_error(const char* path, int flags) {
  const int fd = ::open(path, flags | O_CLOEXEC);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

TEST(Kernel, LandlockShowsTheImageAndHidesProc) {
  if (landlock_abi() < 6) GTEST_SKIP() << "Landlock ABI " << landlock_abi() << ", 6 is needed";
  const auto landlock = compiled(loaded("strict")).landlock;
  const auto under_landlock = [&](const std::function<int()>& work) {
    const int status = in_child([&] { return restrict_paths(landlock) ? work() : 255; });
    return WIFEXITED(status) ? WEXITSTATUS(status) : 254;
  };
  EXPECT_EQ(under_landlock([] { return open_error("/usr/bin", O_RDONLY); }), 0);
  EXPECT_EQ(under_landlock([] { return open_error("/etc/passwd", O_RDONLY); }), 0);
  EXPECT_EQ(under_landlock([] { return open_error("/proc/cpuinfo", O_RDONLY); }), 0);
  EXPECT_EQ(under_landlock([] { return open_error("/dev/null", O_RDWR); }), 0);
  EXPECT_EQ(under_landlock([] { return open_error("/dev/urandom", O_RDONLY); }), 0);
  EXPECT_EQ(under_landlock([] { return open_error("/dev/urandom", O_WRONLY); }), EACCES);
  EXPECT_EQ(under_landlock([] { return open_error("/etc/passwd", O_WRONLY); }), EACCES);
  for (const auto* hidden : {"/proc/self/mountinfo", "/proc/self/mem", "/proc/1/environ", "/proc",
                             "/proc/kallsyms", "/proc/cmdline", "/sys/kernel", "/dev", "/"}) {
    EXPECT_EQ(under_landlock([&] { return open_error(hidden, O_RDONLY); }), EACCES) << hidden;
  }
  EXPECT_EQ(under_landlock([] { return ::kill(::getppid(), 0) == 0 ? 0 : errno; }), EPERM);
}

// The whole of `strict` around a real interpreter.
TEST(Kernel, PythonStartsAndWorksUnderStrict) {
  if (landlock_abi() < 6) GTEST_SKIP() << "Landlock ABI " << landlock_abi() << ", 6 is needed";
  constexpr const char* python = "/usr/bin/python3";
  if (::access(python, X_OK) != 0) GTEST_SKIP() << "no " << python << " here";
  const auto policy = compiled(loaded("strict"));
  auto program = without_listener(policy);
  const auto script = read_case_file("workload.py");
  const int status = in_child([&] {
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 0);
    if (!restrict_paths(policy.landlock) || !install(program)) return 255;
    const char* argv[] = {python, "-I", "-c", script.c_str(), nullptr};
    const char* env[] = {"OPENBLAS_NUM_THREADS=1", "TMPDIR=/tmp", nullptr};
    ::execve(python, const_cast<char**>(argv), const_cast<char**>(env));
    return 254;
  });
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace caisson
