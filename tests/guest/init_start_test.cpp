// What init puts in force before Python starts, and what it says when that is not possible.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/guest/guest_fixture.h"

namespace caisson::test {
namespace {

using wire::Ending;
using wire::Type;

// A filter as a policy compiles one: these calls go to init, everything else is allowed.
std::string notify_filter(const std::vector<wire::SetupCall>& calls) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  for (const auto& call : calls) seccomp_rule_add(filter, SCMP_ACT_NOTIFY, call.number, 0);
  FILE* file = ::tmpfile();
  seccomp_export_bpf(filter, ::fileno(file));
  seccomp_release(filter);
  std::string bytes(static_cast<std::size_t>(::lseek(::fileno(file), 0, SEEK_END)), '\0');
  EXPECT_EQ(::pread(::fileno(file), bytes.data(), bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()));
  ::fclose(file);
  return bytes;
}

void mediate(wire::Setup& setup) {
  setup.calls = {{SYS_execve, EPERM, 1},
                 {SYS_execveat, EPERM, 1},
                 {SYS_kill, EPERM, 2},
                 {SYS_tkill, EPERM, 2},
                 {SYS_tgkill, EPERM, 2},
                 {SYS_rt_sigqueueinfo, EPERM, 2},
                 {SYS_pidfd_send_signal, EPERM, 2},
                 {SYS_keyctl, EPERM, 0},
                 {SYS_ptrace, EACCES, 0}};
  setup.inner_filter = notify_filter(setup.calls);
}

std::string failure_of(Guest& guest) {
  guest.send(Type::setup, 0, wire::encode(guest.setup()));
  for (;;) {
    const auto message = guest.receive();
    if (message.type == Type::failed) return message.body;
    if (message.type == Type::ready) return "";
  }
}

std::string attempt(std::string_view call) {
  return "try: r = " + std::string(call) +
         "\nexcept OSError as e: r = e.strerror\n"
         "r";
}

TEST(Start, MissingInterpreterIsNamed) {
  Guest guest([](wire::Setup& setup) { setup.argv = {"python9", "main.py"}; });
  const auto text = failure_of(guest);
  EXPECT_NE(text.find("the image has no python9"), std::string::npos) << text;
  EXPECT_NE(text.find("/usr/local/bin"), std::string::npos) << text;
  const int status = guest.wait_exit();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST(Start, PythonThatEndsAtOnceIsToldWithItsLastWords) {
  Guest guest([](wire::Setup& setup) { setup.argv = {"python3", "/nowhere/main.py"}; });
  const auto text = failure_of(guest);
  EXPECT_NE(text.find("can't open file '/nowhere/main.py'"), std::string::npos) << text;
}

TEST(Start, WorkingDirectoryThatIsNotThereIsNamed) {
  Guest guest([](wire::Setup& setup) { setup.working_dir = "/nowhere"; });
  EXPECT_NE(failure_of(guest).find("/nowhere"), std::string::npos);
}

TEST(Start, SetupOfAnotherVersionIsRefused) {
  Guest guest;
  guest.send(Type::setup, 0, std::string("\x63\0\0\0\0\0\0\0", 8));
  EXPECT_NE(guest.receive().body.find("different versions"), std::string::npos);
}

TEST(Start, InterpreterIsFoundWhereImagesHaveIt) {
  Guest guest([](wire::Setup& setup) { setup.env = {"PATH=/nowhere::/also/nowhere"}; });
  guest.start();
  EXPECT_EQ(value_of(guest.run("1")), "1");
}

TEST(Start, LimitsMaskEnvironmentAndDescriptorsAreThePolicys) {
  Guest guest([](wire::Setup& setup) {
    setup.limits.memory_bytes = 300 << 20;
    setup.limits.umask = 027;
    setup.limits.oom_score_adj = 500;
    setup.rlimits = {{RLIMIT_NOFILE, 0, 200, 200}, {RLIMIT_FSIZE, 0, 4096, 4096}};
    setup.env.push_back("ANSWER=42");
  });
  guest.start();
  EXPECT_EQ(value_of(guest.run("import resource, os\nresource.getrlimit(resource.RLIMIT_DATA)[1]")),
            std::to_string(300 << 20));
  EXPECT_EQ(value_of(guest.run("resource.getrlimit(resource.RLIMIT_NOFILE)[1]")), "200");
  EXPECT_EQ(value_of(guest.run("resource.getrlimit(resource.RLIMIT_FSIZE)[0]")), "4096");
  EXPECT_EQ(value_of(guest.run("resource.getrlimit(resource.RLIMIT_CORE)")), "(0, 0)");
  EXPECT_EQ(value_of(guest.run("os.umask(0)")), "23");
  EXPECT_EQ(value_of(guest.run("os.environ['ANSWER']")), "'42'");
  EXPECT_EQ(value_of(guest.run("int(open('/proc/self/oom_score_adj').read())")), "500");
  EXPECT_EQ(value_of(guest.run("'NoNewPrivs:\\t1' in open('/proc/self/status').read()")), "True");
  // A list that does not fit raises MemoryError, and costs nothing.
  EXPECT_NE(guest.run("[0] * 10**9").result.find("MemoryError"), std::string::npos);
  EXPECT_EQ(value_of(guest.run("1")), "1");
}

TEST(Landlock, HidesWhatIsNotGranted) {
  Guest guest([](wire::Setup& setup) {
    setup.landlock_fs = ~std::uint64_t{0};  // init drops what the kernel does not know
    setup.landlock_net = ~std::uint64_t{0};
    setup.landlock_scoped = ~std::uint64_t{0};
    const std::uint64_t read = 0xD;  // EXECUTE, READ_FILE, READ_DIR
    setup.landlock_rules = {{"/usr", read},
                            {"/lib", read},
                            {"/lib64", read},
                            {"/bin", read},
                            {"/dev/null", ~std::uint64_t{0}},
                            {"/nowhere", read},
                            {CAISSON_BINARY_DIR "/guest", read}};
  });
  if (guest.welcome().landlock_abi == 0) GTEST_SKIP() << "this kernel has no Landlock";
  guest.start();
  EXPECT_EQ(value_of(guest.run("import os\n" + attempt("open('/proc/1/status')"))),
            "'Permission denied'");
  EXPECT_EQ(value_of(guest.run(attempt("os.listdir('/etc')"))), "'Permission denied'");
  EXPECT_EQ(value_of(guest.run(attempt("open('/dev/null', 'w').write('x')"))), "1");
  if (guest.welcome().landlock_abi >= 6) {
    EXPECT_EQ(value_of(guest.run(attempt("os.kill(os.getppid(), 0)"))),
              "'Operation not permitted'");
  }
}

TEST(Notify, ExecAfterTheStartIsRefusedAndTold) {
  Guest guest(mediate);
  guest.start();
  const auto block = guest.run("import os\n" + attempt("os.execv('/bin/true', ['true'])"));
  EXPECT_EQ(value_of(block), "'Operation not permitted'");
  ASSERT_EQ(block.denials.size(), 1u);
  EXPECT_EQ(block.denials[0].number, SYS_execve);
  EXPECT_EQ(block.denials[0].error, EPERM);
  EXPECT_EQ(block.denials[0].block, 1u);
  EXPECT_EQ(block.denials[0].count, 1u);
}

TEST(Notify, ProtectedProcessesCannotBeSignalledAndOwnOnesCan) {
  Guest guest(mediate);
  guest.start();
  guest.open(2);
  const auto other = value_of(guest.run("import os; os.getpid()", {}, 2));
  guest.run("import os, signal, ctypes");
  const auto init = std::to_string(guest.pid());
  std::string zygote;
  for (const pid_t pid : descendants(guest.pid())) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    const std::string text((std::istreambuf_iterator<char>(status)), {});
    // The first child of init is the zygote.
    if (zygote.empty()) zygote = std::to_string(pid);
  }
  const std::string refused[] = {"os.kill(" + init + ", 9)",
                                 "os.kill(" + zygote + ", 0)",
                                 "os.kill(" + other + ", 9)",
                                 "os.kill(-1, 15)",
                                 "os.killpg(" + zygote + ", 9)",
                                 "os.killpg(" + other + ", 9)",
                                 "signal.pidfd_send_signal(os.pidfd_open(" + zygote + "), 9)"};
  for (const auto& call : refused) {
    const auto block = guest.run(attempt(call));
    EXPECT_EQ(value_of(block), "'Operation not permitted'") << call;
    EXPECT_EQ(block.denials.size(), 1u) << call;
  }
  const auto raw = guest.run("ctypes.CDLL(None).syscall(200, " + zygote + ", 9)");  // tkill
  EXPECT_EQ(value_of(raw), "-1");

  EXPECT_EQ(value_of(guest.run(attempt("os.kill(2**22 - 3, 9)"))), "'No such process'");
  EXPECT_EQ(value_of(guest.run("pid = os.fork()\nif pid == 0:\n    while True: signal.pause()\n"
                               "os.kill(pid, 9)\nos.waitpid(pid, 0)[1]")),
            "9");
  EXPECT_EQ(
      value_of(guest.run("pid = os.fork()\nif pid == 0:\n    while True: signal.pause()\n"
                         "signal.pidfd_send_signal(os.pidfd_open(pid), 9)\nos.waitpid(pid, 0)[1]")),
      "9");
  EXPECT_EQ(value_of(guest.run("1", {}, 2)), "1");
}

TEST(Notify, OwnKillIsASignalAndOneFromElsewhereIsMemory) {
  Guest guest(mediate);
  guest.start();
  const auto own = guest.run("import os; os.kill(os.getpid(), 9)");
  EXPECT_EQ(own.finished.ending, Ending::signalled);
  EXPECT_EQ(own.finished.detail, 9u);
  const auto head = std::stoi(value_of(guest.run("import os; os.getpid()")));
  // As the kernel does when memory is short.
  guest.execute(guest.last_block() + 1, "import time\nprint('on', flush=True)\ntime.sleep(60)");
  guest.receive(Type::output);
  ::kill(head, SIGKILL);
  EXPECT_EQ(guest.finish(guest.last_block() + 1).finished.ending, Ending::out_of_memory);
}

TEST(Notify, LoopOfDeniedCallsIsAFewRecords) {
  Guest guest(mediate);
  guest.start();
  const auto block = guest.run(
      "import ctypes\ncall = ctypes.CDLL(None).syscall\n"
      "for i in range(3000): call(101, 0, 0, 0)\n"          // ptrace
      "for i in range(1000): call(250, i, 0, 0, 0, 0)\n");  // keyctl
  EXPECT_EQ(block.finished.ending, Ending::finished);
  EXPECT_LT(block.denials.size(), 140u);
  std::uint64_t ptrace = 0;
  std::uint64_t keyctl = 0;
  for (const auto& call : block.denials) {
    if (call.number == SYS_ptrace) ptrace += call.count;
    if (call.number == SYS_keyctl) keyctl += call.count;
    EXPECT_EQ(call.error, call.number == SYS_ptrace ? EACCES : EPERM);
  }
  EXPECT_EQ(ptrace, 3000u);
  EXPECT_EQ(keyctl, 1000u);
}

TEST(Notify, WithoutAListenerTheSameCallsAreRefusedSilently) {
  Guest guest([](wire::Setup& setup) {
    mediate(setup);
    setup.limits.explain = 0;
  });
  guest.send(Type::setup, 0, wire::encode(guest.setup()));
  guest.receive(Type::ready);
  const auto opened = guest.open(1);
  // exec must stay possible for the interpreter itself, and the host is told so.
  EXPECT_NE(opened.missing & static_cast<std::uint32_t>(wire::Missing::notify), 0u);
  const auto block = guest.run("import ctypes\nctypes.CDLL(None).syscall(101, 0, 0, 0)");
  EXPECT_EQ(value_of(block), "-1");
  EXPECT_TRUE(block.denials.empty());
}

}  // namespace
}  // namespace caisson::test
